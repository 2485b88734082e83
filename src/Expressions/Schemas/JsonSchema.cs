using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Schemas;

/// <summary>A JSON schema (a documented subset of draft 2020-12), compiled. Immutable, thread-safe.</summary>
public sealed class JsonSchema
{
    private readonly SchemaNode _root;
    private ExpressionType? _type;

    private JsonSchema(JsonElement json, SchemaNode root, IReadOnlyList<SchemaViolation> warnings)
    {
        Json = json;
        _root = root;
        Warnings = warnings;
    }

    /// <summary>Gets the schema as written.</summary>
    public JsonElement Json { get; }

    /// <summary>Gets what is probably not meant, by JSON pointer into the schema: a format that isn't checked.</summary>
    public IReadOnlyList<SchemaViolation> Warnings { get; }

    /// <summary>Gets the whole as a field of a form.</summary>
    internal SchemaField Field => new("", _root, isRequired: true);

    /// <summary>Makes a schema of a part of one that was compiled.</summary>
    internal static JsonSchema Part(SchemaNode part) => new(part.Json, part, []);

    /// <summary>Compiles a schema; every problem is reported.</summary>
    /// <param name="json">The schema.</param>
    /// <param name="schema">The compiled schema, if there is no problem.</param>
    /// <param name="problems">What is wrong, by JSON pointer into the schema.</param>
    /// <param name="reading">How to read it; strictly by default.</param>
    /// <returns>Whether it could be compiled.</returns>
    public static bool TryParse(
        JsonElement json, [NotNullWhen(true)] out JsonSchema? schema, out IReadOnlyList<SchemaViolation> problems, SchemaReading reading = SchemaReading.Strict)
    {
        schema = null;
        try
        {
            // The schema keeps its JSON, so it must not end with the document.
            json = json.Clone();
            var parser = new SchemaParser(json, reading);
            var root = parser.Parse();
            problems = parser.Problems;
            if (problems.Count == 0)
            {
                schema = new JsonSchema(json, root, parser.Warnings);
            }
        }
        catch (InvalidOperationException)
        {
            // Reading a JSON text with half a surrogate pair throws; nothing else here throws that exception.
            problems = [new SchemaViolation("", ValueWriter.NotUnicode)];
        }

        return schema is not null;
    }

    /// <summary>Checks a value. The cost is bounded by <see cref="SchemaLimits"/>; a value whose check is given up is refused.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Every violation; empty if it fits.</returns>
    public IReadOnlyList<SchemaViolation> Validate(JsonElement value) => Validate(value, out _);

    /// <summary>Checks a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="steps">How many steps it took to find out whether it fits, of <see cref="SchemaLimits.Steps"/>.</param>
    /// <returns>Every violation; empty if it fits.</returns>
    public IReadOnlyList<SchemaViolation> Validate(JsonElement value, out long steps)
    {
        try
        {
            return SchemaValidator.Validate(_root, value, out steps);
        }
        catch (InvalidOperationException)
        {
            steps = 0;
            return [new SchemaViolation("", ValueWriter.NotUnicode)];
        }
    }

    /// <summary>Gets the type that values of this schema have in expressions.</summary>
    /// <returns>
    /// The type. An object with <c>properties</c> has no other members there, unless <c>additionalProperties</c> is <see langword="true"/> or a schema.
    /// </returns>
    public ExpressionType ToExpressionType() => _type ??= new SchemaTyping().TypeOf(_root);
}
