using System.Text.Json;
using Microsoft.OpenApi;

namespace Polyphony.Http.Hosting;

/// <summary>
/// What the API's JSON keeps to and the generator does not know: a member without a value is left out, never null, in requests as well as in responses, and a number is a number,
/// never a string. Only a value of the user's own may be null.
/// </summary>
internal static class OpenApiContract
{
    /// <summary>Applies the contract to a schema and to those within it.</summary>
    /// <param name="schema">A schema of the document.</param>
    public static void Apply(IOpenApiSchema schema)
    {
        schema.Description = WithoutVerb(schema.Description);
        if (schema is not OpenApiSchema own)
        {
            return;
        }

        foreach (var (name, member) in own.Properties?.ToList() ?? [])
        {
            if (MayBeNull(member))
            {
                own.Required?.Remove(name);
            }

            own.Properties![name] = WithoutNull(member);
            Apply(own.Properties[name]);
        }

        if (own.Type is { } type)
        {
            own.Type = type & ~JsonSchemaType.Null;
            if (type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number))
            {
                own.Type &= ~JsonSchemaType.String;
                own.Pattern = null;
            }
        }

        if (own.Enum is { Count: > 0 } values)
        {
            own.Enum = [.. values.Where(value => value is not null && value.GetValueKind() != JsonValueKind.Null)];
            own.Type ??= JsonSchemaType.String;
        }

        if (own.Items is { } items)
        {
            Apply(items);
        }

        if (own.AdditionalProperties is { } others)
        {
            Apply(others);
        }
    }

    // The documentation of a property says that it gets something; that of a member says what it is.
    private static string? WithoutVerb(string? description)
    {
        const string indicates = "Gets a value indicating whether ";
        const string gets = "Gets ";
        return description switch
        {
            null => null,
            _ when description.StartsWith(indicates, StringComparison.Ordinal) => $"Whether {description[indicates.Length..]}",
            _ when description.StartsWith(gets, StringComparison.Ordinal) => char.ToUpperInvariant(description[gets.Length]) + description[(gets.Length + 1)..],
            _ => description,
        };
    }

    private static bool MayBeNull(IOpenApiSchema schema) =>
        schema is OpenApiSchema own && (own.Type?.HasFlag(JsonSchemaType.Null) == true || own.OneOf?.Any(MayBeNull) == true);

    // "null or this" is a choice of two; what is left is this.
    private static IOpenApiSchema WithoutNull(IOpenApiSchema schema) =>
        schema is OpenApiSchema { OneOf: { Count: 2 } choices } && choices.Any(MayBeNull) ? choices.Single(choice => !MayBeNull(choice)) : schema;
}
