using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Core.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Cli.Questions;

/// <summary>Asks a person for one value until it fits its schema.</summary>
/// <param name="lines">Where to ask.</param>
internal sealed class FieldPrompt(ILines lines)
{
    private const SchemaTypes Scalars = SchemaTypes.String | SchemaTypes.Integer | SchemaTypes.Number | SchemaTypes.Boolean | SchemaTypes.Null;

    /// <summary>Asks for a value.</summary>
    /// <param name="field">What to ask for.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="earlier">What Enter gives, before the schema's default; <see langword="null"/> if there is nothing.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <returns>The value; <see langword="null"/> if it is left out.</returns>
    /// <exception cref="FormEndedException">The person has ended the input.</exception>
    public async Task<JsonElement?> AskAsync(SchemaField field, string name, JsonElement? earlier, CancellationToken cancellationToken)
    {
        var proposed = earlier ?? field.Default;
        WriteHeading(field, name, proposed);
        if (field.Choices is { Count: > 0 } choices)
        {
            WriteChoices(choices);
            return await AskAsync(field, name, proposed, line => Choose(choices, line), cancellationToken);
        }

        if (field.Types == SchemaTypes.Array && field.Items is { } items && IsLine(items) && !field.IsCombined)
        {
            return await AskItemsAsync(field, items, name, proposed, cancellationToken);
        }

        if (IsLine(field))
        {
            return await AskAsync(field, name, proposed, line => Read(line, field), cancellationToken);
        }

        lines.WriteLine($"  As JSON; it may take several lines. Its schema: {Indented(JsonText.Of(field.Json!.Value))}");
        return await AskAsync(field, name, proposed, line => ReadJson(line, field), cancellationToken);
    }

    /// <summary>Asks for one of several values.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="choices">The values, each with what to say of it.</param>
    /// <param name="proposed">What Enter gives; <see langword="null"/> if one must be named.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <returns>The value.</returns>
    /// <exception cref="FormEndedException">The person has ended the input.</exception>
    public async Task<string> ChooseAsync(string name, IReadOnlyList<(string Value, string? Title)> choices, string? proposed, CancellationToken cancellationToken)
    {
        List<(JsonElement Value, string? Title)> values = [.. choices.Select(choice => (TextValue.Element(choice.Value), choice.Title))];
        WriteChoices(values);
        while (true)
        {
            var line = (await ReadAsync($"{name}{(proposed is null ? "" : $" [{proposed}]")}: ", cancellationToken)).Trim();
            if (line.Length == 0 && proposed is not null)
            {
                return proposed;
            }

            // "y" is enough for "yes", if nothing else begins so.
            var meant = choices.Where(choice => line.Length > 0 && choice.Value.StartsWith(line, StringComparison.OrdinalIgnoreCase)).ToList();
            var (value, problem) = Choose(values, meant is [var one] ? one.Value : line);
            if (problem is null)
            {
                return value.GetString()!;
            }

            WriteProblem(problem);
        }
    }

    /// <summary>Reads a line; one that is not text is asked for again.</summary>
    public async Task<string> ReadAsync(string prompt, CancellationToken cancellationToken)
    {
        while (true)
        {
            lines.Write(prompt);
            var line = await lines.ReadLineAsync(cancellationToken) ?? throw new FormEndedException();
            if (!line.Contains('\uFFFD', StringComparison.Ordinal))
            {
                return line;
            }

            WriteProblem("The line has characters that cannot be read. Use a terminal in UTF-8.");
        }
    }

    /// <summary>Says what is wrong with what was entered.</summary>
    public void WriteProblem(string problem) => lines.WriteLine($"  ! {PlainText.Line(problem)}");

    private static bool IsLine(SchemaField field) => field.Choices.Count > 0
        || field.Types.HasFlag(SchemaTypes.String)
        || (field.Types == SchemaTypes.None ? !field.IsCombined : (field.Types & ~Scalars) == SchemaTypes.None);

    private static string Indented(string text) => text.ReplaceLineEndings($"{Environment.NewLine}  ");

    private void WriteHeading(SchemaField field, string name, JsonElement? proposed)
    {
        string[] parts =
        [
            FieldText.Type(field),
            proposed is { } value ? $"Enter takes {FieldText.Value(value)}" : field.IsRequired ? "required" : "Enter leaves it out",
        ];
        lines.WriteLine("");
        lines.WriteLine($"{PlainText.Line(name)} ({string.Join("; ", parts)})");
        foreach (var text in new[] { field.Title, field.Description }.OfType<string>())
        {
            lines.WriteLine($"  {Indented(PlainText.Of(text.TrimEnd()))}");
        }
    }

    private void WriteChoices(IReadOnlyList<(JsonElement Value, string? Title)> choices)
    {
        for (var i = 0; i < choices.Count; i++)
        {
            var mark = IsNumbered(choices) ? string.Create(CultureInfo.InvariantCulture, $"{i + 1})") : "-";
            lines.WriteLine($"  {mark} {FieldText.Value(choices[i].Value)}{(choices[i].Title is { } title ? $": {PlainText.Line(title)}" : "")}");
        }
    }

    // Where the values are numbers themselves, a number is a value.
    private static bool IsNumbered(IReadOnlyList<(JsonElement Value, string? Title)> choices) =>
        !choices.Any(choice => double.TryParse(FieldText.Value(choice.Value), NumberStyles.Float, CultureInfo.InvariantCulture, out _));

    private async Task<JsonElement?> AskAsync(
        SchemaField field, string name, JsonElement? proposed, Func<string, (JsonElement Value, string? Problem)> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            var line = await ReadAsync($"{PlainText.Line(name)}: ", cancellationToken);
            if (line.Length == 0 && (proposed is not null || !field.IsRequired))
            {
                return proposed;
            }

            if (line.Length == 0)
            {
                WriteProblem($"An answer is required{(field.Types.HasFlag(SchemaTypes.String) && field.Choices.Count == 0 ? "; an empty string is written \"\"" : "")}.");
                continue;
            }

            while (!IsLine(field) && IsOpen(line) && await ReadAsync("  … ", cancellationToken) is { Length: > 0 } more)
            {
                line = $"{line}\n{more}";
            }

            var (value, problem) = read(line);
            if (problem is null && Fits(field, value))
            {
                return value;
            }

            if (problem is not null)
            {
                WriteProblem(problem);
            }
        }
    }

    private async Task<JsonElement?> AskItemsAsync(SchemaField field, SchemaField items, string name, JsonElement? proposed, CancellationToken cancellationToken)
    {
        lines.WriteLine($"  One item a line ({FieldText.Type(items)}); an empty line ends the list.");
        if (items.Choices.Count > 0)
        {
            WriteChoices(items.Choices);
        }

        while (true)
        {
            var values = new JsonArray();
            while (await AskItemAsync(items, $"{PlainText.Line(name)}[{values.Count}]: ", cancellationToken) is { } item)
            {
                values.Add(TextValue.Node(item));
            }

            if (values.Count == 0 && (proposed is not null || !field.IsRequired))
            {
                return proposed;
            }

            var value = TextValue.Element(values);
            if (Fits(field, value))
            {
                return value;
            }

            lines.WriteLine("  The list begins again.");
        }
    }

    private async Task<JsonElement?> AskItemAsync(SchemaField items, string prompt, CancellationToken cancellationToken)
    {
        while (await ReadAsync(prompt, cancellationToken) is { Length: > 0 } line)
        {
            var (value, problem) = items.Choices.Count > 0 ? Choose(items.Choices, line) : Read(line, items);
            if (problem is not null)
            {
                WriteProblem(problem);
            }
            else if (Fits(items, value))
            {
                return value;
            }
        }

        return null;
    }

    private bool Fits(SchemaField field, JsonElement value)
    {
        var violations = field.Validate(value);
        foreach (var violation in violations)
        {
            WriteProblem(violation.ToString());
        }

        return violations.Count == 0;
    }

    private static (JsonElement Value, string? Problem) Choose(IReadOnlyList<(JsonElement Value, string? Title)> choices, string line)
    {
        line = line.Trim();
        foreach (var comparison in (ReadOnlySpan<StringComparison>)[StringComparison.Ordinal, StringComparison.OrdinalIgnoreCase])
        {
            var found = choices.Where(choice => FieldText.Value(choice.Value).Equals(line, comparison) || IsWord(choice.Value, line)).Take(2).ToList();
            if (found is [var only])
            {
                return (only.Value, null);
            }
        }

        if (IsNumbered(choices) && int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= choices.Count)
        {
            return (choices[number - 1].Value, null);
        }

        var range = IsNumbered(choices) ? choices.Count == 1 ? "1, or " : string.Create(CultureInfo.InvariantCulture, $"a number from 1 to {choices.Count}, or ") : "";
        return (default, $"Expected {range}{string.Join(" or ", choices.Select(choice => FieldText.Value(choice.Value)))}; found \"{line}\".");
    }

    private static bool IsWord(JsonElement value, string line) => value.ValueKind switch
    {
        JsonValueKind.True => line is "y" or "yes" or "Y" or "Yes" or "YES",
        JsonValueKind.False => line is "n" or "no" or "N" or "No" or "NO",
        _ => false,
    };

    private static (JsonElement Value, string? Problem) Read(string line, SchemaField field) =>
        field.Types.HasFlag(SchemaTypes.String) && line == "\"\"" ? (TextValue.Element(""), null)
        : TextValue.TryRead(line, field.Types, out var value, out var problem) ? (TextValue.Element(value), null)
        : (default, $"It {problem}");

    private static (JsonElement Value, string? Problem) ReadJson(string text, SchemaField field)
    {
        try
        {
            var value = StrictJson.Parse(text);
            return (value, null);
        }
        catch (InvalidJsonException e)
        {
            return (default, $"It is not valid JSON: {e.Message}.{(field.Types == SchemaTypes.None ? " A string is written with quotes." : "")}");
        }
    }

    /// <summary>Determines whether JSON goes on after what there is of it.</summary>
    private static bool IsOpen(string text)
    {
        var bytes = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text + "\n"));
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = JsonLimits.MaxValueDepth }));
        try
        {
            var begun = false;
            while (reader.Read())
            {
                begun = true;
            }

            return begun && (reader.CurrentDepth > 0 || reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
