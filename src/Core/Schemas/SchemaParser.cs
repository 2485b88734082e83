using System.Text.Json;
using Polyphony.Core.Expressions;
using Polyphony.Core.Expressions.Evaluation;

namespace Polyphony.Core.Schemas;

/// <summary>Compiles a schema and collects what is wrong with it.</summary>
/// <param name="root">The whole schema.</param>
/// <param name="problems">Receives what is wrong.</param>
internal sealed partial class SchemaParser(JsonElement root, List<SchemaViolation> problems)
{
    private const int DeepestNesting = ExpressionLimits.Nesting;

    private readonly Dictionary<string, SchemaNode> _definitions = new(StringComparer.Ordinal);
    private readonly List<(SchemaNode Node, string Target, string Pointer)> _references = [];
    private readonly List<(SchemaNode Node, string Pointer)> _nodes = [];

    /// <summary>Compiles the schema.</summary>
    public SchemaNode Parse()
    {
        var node = Parse(root, "", 0);
        _definitions["#"] = node;
        foreach (var (from, target, pointer) in _references)
        {
            if (_definitions.TryGetValue(target, out var found))
                from.Ref = found;
            else
                Report(pointer, $"There is no {SchemaText.Quote(target)} in this schema.{ReferenceHint(target)}");
        }

        if (problems.Count == 0)
            FindLoops();
        return node;
    }

    private SchemaNode Parse(JsonElement json, string pointer, int depth)
    {
        var node = new SchemaNode();
        _nodes.Add((node, pointer));
        if (json.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            node.Always = json.GetBoolean();
            return node;
        }

        if (json.ValueKind != JsonValueKind.Object)
        {
            Report(pointer, $"A schema is an object or a boolean, found {SchemaText.Describe(json)}.");
            return node;
        }

        if (depth > DeepestNesting)
        {
            Report(pointer, $"The schema is nested deeper than {DeepestNesting} levels.");
            return node;
        }

        foreach (var keyword in json.EnumerateObject())
            ParseKeyword(node, keyword.Name, keyword.Value, $"{pointer}/{JsonPointer.Escape(keyword.Name)}", depth);
        CheckTogether(node, pointer);
        return node;
    }

    private void ParseKeyword(SchemaNode node, string name, JsonElement value, string pointer, int depth)
    {
        switch (name)
        {
            case "type":
                node.Types = ReadTypes(value, pointer);
                break;
            case "properties":
                node.Properties = ReadSchemas(value, pointer, depth, definitions: false);
                break;
            case "$defs":
                ReadSchemas(value, pointer, depth, definitions: true);
                break;
            case "required":
                node.Required = ReadNames(value, pointer);
                break;
            case "additionalProperties":
                node.AdditionalProperties = Parse(value, pointer, depth + 1);
                break;
            case "items":
                node.Items = Parse(value, pointer, depth + 1);
                break;
            case "prefixItems":
                node.PrefixItems = ReadList(value, pointer, depth);
                break;
            case "anyOf":
                node.AnyOf = ReadList(value, pointer, depth);
                break;
            case "oneOf":
                node.OneOf = ReadList(value, pointer, depth);
                break;
            case "allOf":
                node.AllOf = ReadList(value, pointer, depth);
                break;
            case "not":
                node.Not = Parse(value, pointer, depth + 1);
                break;
            case "if":
                node.If = Parse(value, pointer, depth + 1);
                break;
            case "then":
                node.Then = Parse(value, pointer, depth + 1);
                break;
            case "else":
                node.Else = Parse(value, pointer, depth + 1);
                break;
            case "$ref":
                ReadReference(node, value, pointer);
                break;
            case "enum":
                if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0)
                    node.Enum = [.. value.EnumerateArray()];
                else
                    Report(pointer, $"Expected an array of at least one value, found {SchemaText.Describe(value)}.");
                break;
            case "const":
                node.Const = value;
                break;
            default:
                ParseConstraint(node, name, value, pointer);
                break;
        }
    }

    private void ParseConstraint(SchemaNode node, string name, JsonElement value, string pointer)
    {
        switch (name)
        {
            case "minimum":
                node.Minimum = ReadNumber(value, pointer);
                break;
            case "maximum":
                node.Maximum = ReadNumber(value, pointer);
                break;
            case "exclusiveMinimum":
                node.ExclusiveMinimum = ReadNumber(value, pointer);
                break;
            case "exclusiveMaximum":
                node.ExclusiveMaximum = ReadNumber(value, pointer);
                break;
            case "multipleOf":
                node.MultipleOf = ReadNumber(value, pointer);
                if (node.MultipleOf is { IsPositive: false })
                    Report(pointer, $"Expected a number above 0, found {SchemaText.Describe(value)}.");
                break;
            case "minLength":
                node.MinLength = ReadCount(value, pointer);
                break;
            case "maxLength":
                node.MaxLength = ReadCount(value, pointer);
                break;
            case "minItems":
                node.MinItems = ReadCount(value, pointer);
                break;
            case "maxItems":
                node.MaxItems = ReadCount(value, pointer);
                break;
            case "minProperties":
                node.MinProperties = ReadCount(value, pointer);
                break;
            case "maxProperties":
                node.MaxProperties = ReadCount(value, pointer);
                break;
            case "uniqueItems":
                node.UniqueItems = ReadBoolean(value, pointer);
                break;
            case "pattern":
                node.PatternText = ReadString(value, pointer);
                if (node.PatternText is not null && (node.Pattern = SafePattern.TryCompile(node.PatternText, out var problem)) is null)
                    Report(pointer, problem!);
                break;
            case "format":
                node.Format = ReadString(value, pointer);
                break;
            case "title" or "description" or "$schema" or "$id" or "$comment":
                ReadString(value, pointer);
                break;
            case "deprecated":
                ReadBoolean(value, pointer);
                break;
            case "examples":
                if (value.ValueKind != JsonValueKind.Array)
                    Report(pointer, $"Expected an array of values, found {SchemaText.Describe(value)}.");
                break;
            case "default":
                break;
            default:
                if (!name.StartsWith("x-", StringComparison.Ordinal))
                    Report(pointer, $"There is no keyword {SchemaText.Quote(name)}.{KeywordHint(name)}");
                break;
        }
    }

    private void ReadReference(SchemaNode node, JsonElement value, string pointer)
    {
        if (ReadString(value, pointer) is not { } target)
            return;
        if (target != "#" && !target.StartsWith("#/$defs/", StringComparison.Ordinal))
            Report(pointer, $"Only references within the schema are followed, found {SchemaText.Quote(target)}. Write \"#/$defs/NAME\", and define NAME in \"$defs\" at the top.");
        else
            _references.Add((node, target, pointer));
    }

    private string ReferenceHint(string target)
    {
        var match = NearMatch.Find(target, _definitions.Keys.Where(key => key != "#"));
        return match is null ? " Define it in \"$defs\" at the top." : $" Did you mean \"{match}\"?";
    }

    private Dictionary<string, SchemaNode> ReadSchemas(JsonElement value, string pointer, int depth, bool definitions)
    {
        var schemas = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
        if (value.ValueKind != JsonValueKind.Object)
        {
            Report(pointer, $"Expected an object of schemas, found {SchemaText.Describe(value)}.");
            return schemas;
        }

        foreach (var member in value.EnumerateObject())
        {
            var at = $"{pointer}/{JsonPointer.Escape(member.Name)}";
            var schema = Parse(member.Value, at, depth + 1);
            schemas[member.Name] = schema;
            if (definitions && pointer == "/$defs")
                _definitions["#" + at] = schema;
        }

        return schemas;
    }

    private List<SchemaNode> ReadList(JsonElement value, string pointer, int depth)
    {
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0)
            return [.. value.EnumerateArray().Select((item, index) => Parse(item, $"{pointer}/{index}", depth + 1))];
        Report(pointer, $"Expected an array of at least one schema, found {SchemaText.Describe(value)}.");
        return [];
    }

    /// <summary>A schema that refers to itself without going deeper into the value would never end.</summary>
    private void FindLoops()
    {
        var done = new Dictionary<SchemaNode, bool>(ReferenceEqualityComparer.Instance);
        foreach (var (node, pointer) in _nodes)
        {
            if (HasLoop(node, done, 0))
            {
                Report(pointer, "The schema refers to itself without going deeper into the value.");
                return;
            }
        }
    }

    private static bool HasLoop(SchemaNode node, Dictionary<SchemaNode, bool> done, int depth)
    {
        if (done.TryGetValue(node, out var isDone))
            return !isDone;
        if (depth > SchemaValidator.DeepestRecursion)
            return true;
        done[node] = false;
        foreach (var next in node.InPlace())
        {
            if (HasLoop(next, done, depth + 1))
                return true;
        }

        done[node] = true;
        return false;
    }

    private void Report(string pointer, string message) => problems.Add(new SchemaViolation(pointer, message));
}
