using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Polyphony.Core.Expressions;
using Polyphony.Core.Expressions.Evaluation;

namespace Polyphony.Core.Schemas;

/// <summary>A JSON schema (a documented subset of draft 2020-12), compiled. Immutable, thread-safe.</summary>
public sealed class JsonSchema
{
    private readonly SchemaNode _root;
    private readonly ExpressionType _type;

    private JsonSchema(JsonElement json, SchemaNode root)
    {
        Json = json;
        _root = root;
        _type = new SchemaTyping().TypeOf(root);
    }

    /// <summary>Gets the schema as written.</summary>
    public JsonElement Json { get; }

    /// <summary>Compiles a schema; every problem is reported.</summary>
    /// <param name="json">The schema.</param>
    /// <param name="schema">The compiled schema, if there is no problem.</param>
    /// <param name="problems">What is wrong, by JSON pointer into the schema.</param>
    /// <returns>Whether it could be compiled.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out JsonSchema? schema, out IReadOnlyList<SchemaViolation> problems)
    {
        List<SchemaViolation> found = [];
        SchemaNode? root = null;
        try
        {
            // The schema keeps its JSON, so it must not end with the document.
            json = json.Clone();
            root = new SchemaParser(json, found).Parse();
        }
        catch (InvalidOperationException)
        {
            // Reading a JSON text with half a surrogate pair throws; nothing else here throws that exception.
            found.Add(new SchemaViolation("", ValueWriter.NotUnicode));
        }

        problems = found;
        schema = found.Count > 0 ? null : new JsonSchema(json, root!);
        return schema is not null;
    }

    /// <summary>Checks a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Every violation; empty if it fits.</returns>
    public IReadOnlyList<SchemaViolation> Validate(JsonElement value)
    {
        var validator = new SchemaValidator();
        try
        {
            validator.Validate(_root, value);
        }
        catch (InvalidOperationException)
        {
            validator.Report(ValueWriter.NotUnicode);
        }

        return validator.Violations;
    }

    /// <summary>Gets the type that values of this schema have in expressions.</summary>
    /// <returns>
    /// The type. An object with <c>properties</c> has no other members there, unless <c>additionalProperties</c> is <see langword="true"/> or a schema.
    /// </returns>
    public ExpressionType ToExpressionType() => _type;
}
