using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace Polyphony.Hosting.Settings;

/// <summary>The models, allowed endpoints and prices of a configuration section, in the form of a settings file.</summary>
/// <param name="Path">The section's path.</param>
/// <param name="Json">The settings.</param>
internal sealed record ModelSection(string Path, JsonObject Json)
{
    // A configuration says nothing of types and ignores letter case; the settings do neither.
    private static readonly string[] Keys =
    [
        "provider", "model", "endpoint", "apiKeyVariable", "apiVersion", "dialect", "temperature", "maxOutputTokens", "requestsPerMinute", "tokensPerMinute", "fallback",
        "name", "structuredOutput", "strictSchemas", "tokenLimit", "roles", "systemRole", "names",
        "asOf", "models", "input", "output", "cachedInput", "above", "tokens",
        "allowedEndpoints", "privateNetwork", "servers", "files", "command", "args", "folder", "env", "passVariables", "url", "headers", "apiKeyHeader", "timeout", "maxBytes", "idempotent",
    ];

    private static readonly HashSet<string> Texts = new(StringComparer.Ordinal)
    {
        "provider", "model", "endpoint", "apiKeyVariable", "apiVersion", "asOf", "name", "fallback",
        "command", "args", "folder", "passVariables", "url", "apiKeyHeader", "timeout", "idempotent", "files", "env", "headers",
    };

    // Their keys are names that somebody gave; those of the second set hold texts.
    private static readonly HashSet<string> Named = new(StringComparer.Ordinal) { "models", "servers", "files", "env", "headers" };
    private static readonly HashSet<string> NamedTexts = new(StringComparer.Ordinal) { "files", "env", "headers" };

    /// <summary>Reads a part of a section.</summary>
    /// <param name="section">The part.</param>
    /// <param name="isNamed">Whether its keys are names that somebody gave, as those of models.</param>
    /// <returns>The value.</returns>
    public static JsonNode? Read(IConfigurationSection section, bool isNamed = false) => Read(section, "", isNamed);

    private static JsonNode? Read(IConfigurationSection section, string key, bool isNamed)
    {
        var children = section.GetChildren().ToList();
        if (children.Count == 0)
        {
            return section.Value is { Length: > 0 } text ? Scalar(text, isText: Texts.Contains(key)) : null;
        }

        if (children.Select((child, index) => child.Key == index.ToString()).All(isIndex => isIndex))
        {
            return new JsonArray([.. children.Select(child => Read(child, key, isNamed: false))]);
        }

        var map = new JsonObject();
        foreach (var child in children)
        {
            var name = isNamed ? child.Key : Keys.FirstOrDefault(known => known.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) ?? child.Key;
            if (Read(child, isNamed && NamedTexts.Contains(key) ? key : name, isNamed: !isNamed && Named.Contains(name)) is { } value)
            {
                map[name] = value;
            }
        }

        return map;
    }

    private static JsonNode? Scalar(string text, bool isText) =>
        isText ? JsonValue.Create(text)
        : bool.TryParse(text, out var flag) ? JsonValue.Create(flag)
        : long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var whole) ? JsonValue.Create(whole)
        : decimal.TryParse(text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number)
        : JsonValue.Create(text);
}
