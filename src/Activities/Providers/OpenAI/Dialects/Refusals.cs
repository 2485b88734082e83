using System.Text.RegularExpressions;
using Polyphony.Activities.Errors;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers.OpenAI.Dialects;

/// <summary>Finds what a server did not take about the wording of a request, and what to say in its place.</summary>
internal static partial class Refusals
{
    /// <summary>Gets the dialect to try next.</summary>
    /// <param name="dialect">The dialect that was refused.</param>
    /// <param name="request">The request.</param>
    /// <param name="failure">The refusal.</param>
    /// <returns>The dialect, and whether it was the schema that was refused rather than schemas as such; <see langword="null"/> if the wording was not what was refused.</returns>
    public static (ServerDialect Dialect, bool IsOfSchema)? Next(ServerDialect dialect, RequestBody request, HttpFailure failure)
    {
        if (failure.Status is not (400 or 404 or 415 or 422 or 500 or 501))
        {
            return null;
        }

        var text = $"{failure.Message} {string.Join(' ', failure.Names)}";
        if (request.SchemaText is not null && dialect.StructuredOutput != ModelDialect.Words && Format().IsMatch(text))
        {
            return WithLessFormat(dialect, request, text);
        }

        return (WithOtherMembers(dialect, request, text) ?? WithOtherRoles(dialect, request, text)) is { } other ? (other, false) : null;
    }

    // From a strict schema to one that is not, from there to JSON of any shape, and at last to a request in words.
    private static (ServerDialect Dialect, bool IsOfSchema) WithLessFormat(ServerDialect dialect, RequestBody request, string text)
    {
        if (dialect.StructuredOutput != ModelDialect.JsonSchema)
        {
            return (dialect with { StructuredOutput = ModelDialect.Words }, false);
        }

        var isOfSchema = Schema().IsMatch(text);
        return (isOfSchema && request.IsStrict && dialect.StrictSchemas
            ? dialect with { StrictSchemas = false }
            : dialect with { StructuredOutput = ModelDialect.JsonObject }, isOfSchema);
    }

    private static ServerDialect? WithOtherMembers(ServerDialect dialect, RequestBody request, string text)
    {
        if (!Unknown().IsMatch(text))
        {
            return null;
        }

        if (request.HasTokenLimit && text.Contains(dialect.TokenLimit, StringComparison.Ordinal))
        {
            return dialect with { TokenLimit = ModelDialect.TokenLimits.First(name => name != dialect.TokenLimit) };
        }

        return request.HasNames && dialect.Names && Name().IsMatch(text) ? dialect with { Names = false } : null;
    }

    private static ServerDialect? WithOtherRoles(ServerDialect dialect, RequestBody request, string text)
    {
        var isOfOrder = Order().IsMatch(text);
        if (dialect.Roles == ModelDialect.Free && isOfOrder)
        {
            return dialect with { Roles = ModelDialect.Alternate };
        }

        return request.HasSystem && dialect.SystemRole && (isOfOrder || System().IsMatch(text)) ? dialect with { SystemRole = false } : null;
    }

    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    [GeneratedRegex(@"response[_ ]?format|json[_ ]?schema|json_object|json mode|structured[_ ]outputs?|guided[_ ](json|decoding)|grammar|response[_ ]?schema|response[_ ]mime[_ ]?type|generation_?config", Options)]
    private static partial Regex Format();

    // What is wrong is this schema, not that there is one.
    [GeneratedRegex(@"invalid (json[_ ]?)?schema|schema (must|is invalid|is too|contains|has|exceeds)|(unsupported|unknown|unrecognized) (keyword|name)|grammar|nesting|'type' key|additionalproperties|\$ref|\$defs|invalid_json_schema", Options)]
    private static partial Regex Schema();

    [GeneratedRegex(@"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra (inputs|fields|keys)|extra_forbidden|additional propert|does not match pattern|invalid '?messages", Options)]
    private static partial Regex Unknown();

    [GeneratedRegex(@"(\.|'|""|`|\b)name\b", Options)]
    private static partial Regex Name();

    [GeneratedRegex(@"roles must alternate|must alternate|alternating (user|roles)|first message must be|expected (the )?first (message|role)|must start with a user", Options)]
    private static partial Regex Order();

    [GeneratedRegex(@"system role|role:? [`'""]?system|system (messages?|prompts?|instructions?) (is|are) not|does not support system|developer instruction is not|only (the )?user(,| and) assistant", Options)]
    private static partial Regex System();
}
