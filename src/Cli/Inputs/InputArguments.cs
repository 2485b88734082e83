using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Cli.Inputs;

/// <summary>Makes a JSON object of <c>key=value</c> arguments, by the types that a schema gives the keys.</summary>
internal static class InputArguments
{
    /// <summary>Reads arguments.</summary>
    /// <param name="arguments">The arguments, each <c>key=value</c>; a later one replaces an earlier one.</param>
    /// <param name="inputFile">A JSON file that holds the rest, or <see langword="null"/>.</param>
    /// <param name="schema">The schema, or <see langword="null"/> if anything is accepted.</param>
    /// <param name="what">What is read, for messages, such as <c>input of workflow "hello"</c>.</param>
    /// <returns>The value; it fits the schema.</returns>
    /// <exception cref="CliException">Something is wrong; the message lists everything.</exception>
    public static JsonElement Read(IEnumerable<string> arguments, string? inputFile, JsonSchema? schema, string what)
    {
        var problems = new List<string>();
        var refused = new List<string>();
        var value = inputFile is null ? new JsonObject() : ReadFile(inputFile);
        foreach (var argument in arguments)
        {
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                problems.Add($"\"{argument}\" is not of the form key=value.");
            }
            else if (value is not JsonObject fields)
            {
                problems.Add($"\"{argument}\" cannot be added: the file \"{inputFile}\" does not hold an object.");
            }
            else if (argument[equals - 1] == '@' && equals > 1)
            {
                if (Attach(fields, argument[..(equals - 1)], argument[(equals + 1)..], schema?.Json) is { } refusal)
                {
                    problems.Add(refusal);
                    refused.Add(argument[..(equals - 1)]);
                }
            }
            else if (Set(fields, argument[..equals], argument[(equals + 1)..], schema?.Json) is { } problem)
            {
                problems.Add(problem);
                refused.Add(argument[..equals]);
            }
        }

        var input = JsonSerializer.SerializeToElement(value, CliJsonContext.Default.JsonNode);
        if (StrictJson.FindProblem(input) is { } invalid)
        {
            problems.Add($"/: {invalid}.");
        }

        if (schema is not null)
        {
            // Everything at once; but a key with its own problem is not called missing as well.
            problems.AddRange(schema.Validate(input)
                .Where(violation => !refused.Exists(key => violation.Message.Contains($"\"{key}\"", StringComparison.Ordinal)))
                .Select(violation => $"{(violation.Pointer.Length == 0 ? "/" : violation.Pointer)}: {violation.Message}"));
        }

        return problems.Count == 0 ? input : throw CliException.Invalid($"The {what} is not valid:{Environment.NewLine}{string.Join(Environment.NewLine, problems.Select(problem => $"  {problem}"))}");
    }

    private static JsonNode? ReadFile(string path)
    {
        try
        {
            return Node(StrictJson.Parse(File.ReadAllBytes(path)));
        }
        catch (InvalidJsonException e)
        {
            throw CliException.Invalid($"The input file \"{path}\" is not valid JSON: {e.Message}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Invalid($"The input file \"{path}\" cannot be read: {e.Message}");
        }
    }

    /// <summary>Sets a field to a file, or adds it to those of an array; returns what is wrong, or null.</summary>
    private static string? Attach(JsonObject fields, string key, string path, JsonElement? schema)
    {
        if (Find(key, schema, out var field) is { } unknown)
        {
            return unknown;
        }

        if (AttachedFile.TryRead(key, path, out var file) is { } problem)
        {
            return problem;
        }

        if (!Types(field).Contains("array", StringComparer.Ordinal))
        {
            fields[key] = file;
        }
        else if (fields[key] is JsonArray earlier)
        {
            earlier.Add((JsonNode?)file);
        }
        else
        {
            fields[key] = new JsonArray(file);
        }

        return null;
    }

    private static string? Find(string key, JsonElement? schema, out JsonElement field)
    {
        field = default;
        if (schema is { ValueKind: JsonValueKind.Object } whole && whole.TryGetProperty("properties", out var properties) && !properties.TryGetProperty(key, out field)
            && !(whole.TryGetProperty("additionalProperties", out var others) && others.ValueKind is JsonValueKind.True or JsonValueKind.Object))
        {
            var known = string.Join(", ", properties.EnumerateObject().Select(property => property.Name));
            return $"Unknown key \"{key}\"; known are {(known.Length == 0 ? "none" : known)}.";
        }

        return null;
    }

    /// <summary>Sets a field; returns what is wrong, or null.</summary>
    private static string? Set(JsonObject fields, string key, string text, JsonElement? schema)
    {
        if (Find(key, schema, out var field) is { } unknown)
        {
            return unknown;
        }

        var types = Types(field);
        if (types.Contains("string", StringComparer.Ordinal))
        {
            fields[key] = text;
        }
        else if (TryParse(text, out var json, out var problem) && (types.Length == 0 || types.Any(type => Is(type, json))))
        {
            fields[key] = json;
        }
        else if (problem is not null)
        {
            return $"\"{key}\" is JSON that is not taken: {problem}.";
        }
        else if (types.Length == 0)
        {
            // Nothing is known of it: JSON where it is JSON, otherwise a text.
            fields[key] = text;
        }
        else
        {
            return $"\"{key}\" must be {string.Join(" or ", types.Select(Article))}; found \"{text}\".";
        }

        return null;
    }

    private static string[] Types(JsonElement field) => field.ValueKind == JsonValueKind.Object && field.TryGetProperty("type", out var type)
        ? type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(each => each.GetString()!)] : [type.GetString()!]
        : field.ValueKind == JsonValueKind.Object && field.TryGetProperty("enum", out var values) && values.EnumerateArray().All(each => each.ValueKind == JsonValueKind.String)
            ? ["string"]
            : [];

    /// <summary>Reads a value; a problem is given for what is JSON, but not taken.</summary>
    private static bool TryParse(string text, out JsonNode? json, out string? problem)
    {
        (json, problem) = (null, null);
        try
        {
            json = Node(StrictJson.Parse(text));
            return true;
        }
        catch (InvalidJsonException e)
        {
            problem = e.IsSyntax ? null : e.Message;
            return false;
        }
    }

    private static JsonNode? Node(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(json),
        JsonValueKind.Array => JsonArray.Create(json),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(json),
    };

    private static bool Is(string type, JsonNode? json) => (type, json?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        ("number" or "integer", JsonValueKind.Number) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("array", JsonValueKind.Array) => true,
        ("object", JsonValueKind.Object) => true,
        ("null", JsonValueKind.Null) => true,
        _ => false,
    };

    private static string Article(string type) => type switch
    {
        "null" => "null",
        "array" => "an array as JSON, such as [1, 2]",
        "object" => "an object as JSON, such as {\"a\": 1}",
        "integer" => "a whole number",
        "boolean" => "true or false",
        _ => $"a {type}",
    };
}
