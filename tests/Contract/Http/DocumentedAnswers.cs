using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Contract.Http;

/// <summary>What the OpenAPI document of a host says of each route: no other problem may be answered, no other status, and no body that does not fit its schema.</summary>
internal sealed class DocumentedAnswers(JsonElement document)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private readonly List<(string Method, Regex Path, JsonElement Responses)> _routes =
    [
        .. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => (
            method.Name.ToUpperInvariant(),
            new Regex($"^{Regex.Replace(path.Name, @"\{\w+\}", "[^/]+", RegexOptions.None, Soon)}$", RegexOptions.None, Soon),
            method.Value.GetProperty("responses")))),
    ];

    private readonly ConcurrentDictionary<string, JsonSchema> _schemas = new(StringComparer.Ordinal);

    /// <summary>Holds an answer against the document.</summary>
    /// <param name="method">The method of the request.</param>
    /// <param name="path">Its path.</param>
    /// <param name="answer">The answer.</param>
    public void Check(HttpMethod method, string path, ApiAnswer answer)
    {
        var contentType = answer.Headers.GetValueOrDefault("Content-Type", "").Split(';')[0];
        var isProblem = contentType == "application/problem+json";
        if (((int)answer.Status >= 400 && !isProblem) || _routes.Find(route => route.Method == method.Method && route.Path.IsMatch(path)) is not { Path: not null } route)
        {
            return;
        }

        var status = ((int)answer.Status).ToString(CultureInfo.InvariantCulture);
        Assert.True(
            route.Responses.TryGetProperty(status, out var response),
            $"The OpenAPI document does not name {status} {answer.Code} of {method} {path}; it names: {string.Join(", ", route.Responses.EnumerateObject().Select(each => each.Name))}");
        if (isProblem)
        {
            var codes = response.GetProperty("description").GetString()!;
            Assert.True(codes.TrimEnd('.').Split(": ")[^1].Split(", ").Contains(answer.Code), $"The OpenAPI document does not name {status} {answer.Code} of {method} {path}; it names: {codes}");
        }

        if (!response.TryGetProperty("content", out var contents))
        {
            Assert.True(answer.Text.Length == 0 || contentType == "text/event-stream", $"The OpenAPI document names no body for {status} of {method} {path}; it was: {answer.Text}");
            return;
        }

        Assert.True(contents.TryGetProperty(contentType, out var content), $"The OpenAPI document does not name {contentType} for {status} of {method} {path}.");
        var schema = _schemas.GetOrAdd(content.GetProperty("schema").GetRawText(), Compile);
        var violations = schema.Validate(contentType.StartsWith("text/", StringComparison.Ordinal) ? JsonSerializer.SerializeToElement(answer.Text) : answer.Json);
        Assert.True(violations.Count == 0, $"The answer {status} of {method} {path} is not as the OpenAPI document says: {string.Join("; ", violations)}\n{answer.Text}");
    }

    // The schemas of the document, closed: a member that it does not name is one that clients don't know of.
    private JsonSchema Compile(string schema)
    {
        var root = JsonNode.Parse(schema.Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal))!.AsObject();
        var definitions = JsonNode.Parse(document.GetProperty("components").GetProperty("schemas").GetRawText().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal))!.AsObject();
        foreach (var definition in definitions.Select(each => each.Value!.AsObject()).Where(each => each.ContainsKey("properties") && !each.ContainsKey("additionalProperties")))
        {
            definition["additionalProperties"] = false;
        }

        root["$defs"] = definitions;
        return JsonSchema.TryParse(JsonElement.Parse(root.ToJsonString()), out var compiled, out var problems, SchemaReading.Lenient)
            ? compiled
            : throw new InvalidOperationException(string.Join('\n', problems));
    }
}
