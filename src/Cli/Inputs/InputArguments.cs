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
        var form = schema?.Field;
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
                if (Attach(fields, argument[..(equals - 1)], argument[(equals + 1)..], form) is { } refusal)
                {
                    problems.Add(refusal);
                    refused.Add(argument[..(equals - 1)]);
                }
            }
            else if (Set(fields, argument[..equals], argument[(equals + 1)..], form) is { } problem)
            {
                problems.Add(problem);
                refused.Add(argument[..equals]);
            }
        }

        var input = TextValue.Element(value);
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
            return TextValue.Node(StrictJson.Parse(File.ReadAllBytes(path)));
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
    private static string? Attach(JsonObject fields, string key, string path, SchemaField? form)
    {
        if (Find(key, form, out var field) is { } unknown)
        {
            return unknown;
        }

        if (AttachedFile.TryRead(key, path, out var file) is { } problem)
        {
            return problem;
        }

        if (field?.Types.HasFlag(SchemaTypes.Array) != true)
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

    private static string? Find(string key, SchemaField? form, out SchemaField? field)
    {
        field = form?.Members.FirstOrDefault(member => member.Name == key);
        if (form is { HasMembers: true, TakesOtherMembers: false } && field is null)
        {
            var known = string.Join(", ", form.Members.Select(member => member.Name));
            return $"Unknown key \"{key}\"; known are {(known.Length == 0 ? "none" : known)}.";
        }

        return null;
    }

    /// <summary>Sets a field; returns what is wrong, or null.</summary>
    private static string? Set(JsonObject fields, string key, string text, SchemaField? form)
    {
        if (Find(key, form, out var field) is { } unknown)
        {
            return unknown;
        }

        if (TextValue.TryRead(text, field?.Types ?? SchemaTypes.None, out var json, out var problem))
        {
            fields[key] = json;
            return null;
        }

        return $"\"{key}\" {problem}";
    }
}
