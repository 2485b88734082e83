using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Expressions.Schemas;

/// <summary>Compiles a schema and collects what is wrong with it.</summary>
internal sealed partial class SchemaParser
{
    private const int DeepestNesting = ExpressionLimits.Nesting;

    private readonly List<(SchemaNode Node, string Pointer)> _nodes = [];
    private readonly JsonElement _root;
    private readonly bool _isLenient;
    private readonly KeywordReader _keywords;
    private readonly ConstraintReader _constraints;

    /// <summary>Initializes a new instance of the <see cref="SchemaParser"/> class.</summary>
    /// <param name="root">The whole schema.</param>
    /// <param name="reading">How to read it.</param>
    public SchemaParser(JsonElement root, SchemaReading reading)
    {
        _root = root;
        _isLenient = reading == SchemaReading.Lenient;
        _keywords = new KeywordReader(_isLenient, Problems, Warnings);
        _constraints = new ConstraintReader(_keywords);
    }

    /// <summary>Gets what is wrong, by JSON pointer into the schema.</summary>
    public List<SchemaViolation> Problems { get; } = [];

    /// <summary>Gets what is probably not meant.</summary>
    public List<SchemaViolation> Warnings { get; } = [];

    /// <summary>Compiles the schema.</summary>
    public SchemaNode Parse()
    {
        ReadDraft();
        var node = Parse(_root, "", 0);
        ResolveReferences();
        if (Problems.Count == 0)
        {
            CheckLoops();
        }

        if (Problems.Count > 0)
        {
            return node;
        }

        foreach (var (part, _) in _nodes)
        {
            part.AnyOf?.Index();
            part.OneOf?.Index();
        }

        return node;
    }

    private SchemaNode Parse(JsonElement json, string pointer, int depth)
    {
        var node = new SchemaNode(_nodes.Count, json);
        _nodes.Add((node, pointer));
        _byPointer.TryAdd(pointer, node);
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

        // Up to draft 7, a reference hides what stands beside it.
        if (_isOldDraft && json.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String)
        {
            ParseBesideReference(node, json, pointer, depth);
            return node;
        }

        foreach (var keyword in json.EnumerateObject())
        {
            ParseKeyword(node, json, keyword.Name, keyword.Value, $"{pointer}/{JsonPointer.Escape(keyword.Name)}", depth);
        }

        if (!_isLenient)
        {
            _keywords.CheckTogether(node, pointer);
        }

        return node;
    }

    private void ParseBesideReference(SchemaNode node, JsonElement json, string pointer, int depth)
    {
        foreach (var keyword in json.EnumerateObject())
        {
            if (keyword.Name is "$ref" or "definitions" or "$defs")
            {
                ParseKeyword(node, json, keyword.Name, keyword.Value, $"{pointer}/{JsonPointer.Escape(keyword.Name)}", depth);
            }
        }
    }

    private void ParseKeyword(SchemaNode node, JsonElement json, string name, JsonElement value, string pointer, int depth)
    {
        switch (name)
        {
            case "type":
                node.Types = _keywords.ReadTypes(value, pointer);
                break;
            case "items":
                ReadItems(node, json, value, pointer, depth);
                break;
            case "prefixItems":
                node.PrefixItems = ReadList(value, pointer, depth);
                break;
            case "contains":
                node.Contains = Parse(value, pointer, depth + 1);
                break;
            case "anyOf":
                node.AnyOf = new SchemaUnion(ReadList(value, pointer, depth));
                break;
            case "oneOf":
                node.OneOf = new SchemaUnion(ReadList(value, pointer, depth));
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
            case "$defs":
                ReadSchemas(value, pointer, depth);
                break;
            case "definitions" when _isLenient:
                ReadSchemas(value, pointer, depth);
                break;
            default:
                ParseMembers(node, name, value, pointer, depth);
                break;
        }
    }

    /// <summary>Reads the keywords of objects.</summary>
    private void ParseMembers(SchemaNode node, string name, JsonElement value, string pointer, int depth)
    {
        switch (name)
        {
            case "properties":
                node.Properties = ReadSchemas(value, pointer, depth);
                break;
            case "patternProperties":
                node.PatternProperties = ReadPatterns(value, pointer, depth);
                break;
            case "additionalProperties":
                node.AdditionalProperties = Parse(value, pointer, depth + 1);
                break;
            case "propertyNames":
                node.PropertyNames = Parse(value, pointer, depth + 1);
                break;
            case "required":
                node.Required = _keywords.ReadNames(value, pointer);
                break;
            case "dependentRequired":
                ReadDependencies(node, value, pointer, depth, names: true, schemas: false);
                break;
            case "dependentSchemas":
                ReadDependencies(node, value, pointer, depth, names: false, schemas: true);
                break;
            case "dependencies" when _isLenient:
                ReadDependencies(node, value, pointer, depth, names: true, schemas: true);
                break;
            case "minProperties":
                node.MinProperties = _keywords.ReadCount(value, pointer);
                break;
            case "maxProperties":
                node.MaxProperties = _keywords.ReadCount(value, pointer);
                break;
            default:
                if (!_constraints.TryRead(node, name, value, pointer))
                {
                    ParseNote(name, value, pointer);
                }

                break;
        }
    }

    /// <summary>Reads what demands nothing.</summary>
    private void ParseNote(string name, JsonElement value, string pointer)
    {
        if (KeywordReader.Refusal(name) is { } refusal)
        {
            Report(pointer, refusal);
            return;
        }

        if (name == "$id")
        {
            CheckId(value, pointer);
        }

        if (_isLenient)
        {
            return;
        }

        switch (name)
        {
            case "title" or "description" or "$schema" or "$id" or "$comment":
                _keywords.ReadString(value, pointer);
                break;
            case "deprecated" or "readOnly" or "writeOnly":
                _keywords.ReadBoolean(value, pointer);
                break;
            case "examples":
                if (value.ValueKind != JsonValueKind.Array)
                {
                    Report(pointer, $"Expected an array of values, found {SchemaText.Describe(value)}.");
                }

                break;
            case "default":
                break;
            default:
                if (!name.StartsWith("x-", StringComparison.Ordinal))
                {
                    Report(pointer, $"There is no keyword {SchemaText.Quote(name)}.{KeywordReader.KeywordHint(name)}");
                }

                break;
        }
    }

    private Dictionary<string, SchemaNode> ReadSchemas(JsonElement value, string pointer, int depth)
    {
        var schemas = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
        if (value.ValueKind != JsonValueKind.Object)
        {
            Report(pointer, $"Expected an object of schemas, found {SchemaText.Describe(value)}.");
            return schemas;
        }

        foreach (var member in value.EnumerateObject())
        {
            schemas[member.Name] = Parse(member.Value, $"{pointer}/{JsonPointer.Escape(member.Name)}", depth + 1);
        }

        return schemas;
    }

    private List<SchemaNode> ReadList(JsonElement value, string pointer, int depth)
    {
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0)
        {
            return [.. value.EnumerateArray().Select((item, index) => Parse(item, $"{pointer}/{index}", depth + 1))];
        }

        Report(pointer, $"Expected an array of at least one schema, found {SchemaText.Describe(value)}.");
        return [];
    }

    /// <summary>Reads <c>items</c>. Up to draft 7 it may be a list, as <c>prefixItems</c> is now, with <c>additionalItems</c> for the rest.</summary>
    private void ReadItems(SchemaNode node, JsonElement json, JsonElement value, string pointer, int depth)
    {
        if (value.ValueKind != JsonValueKind.Array || !_isLenient || _isNewDraft)
        {
            node.Items = Parse(value, pointer, depth + 1);
            return;
        }

        node.PrefixItems = [.. value.EnumerateArray().Select((item, index) => Parse(item, $"{pointer}/{index}", depth + 1))];
        if (json.TryGetProperty("additionalItems", out var others))
        {
            node.Items = Parse(others, $"{pointer[..^"/items".Length]}/additionalItems", depth + 1);
        }
    }

    private List<(Regex Pattern, SchemaNode Schema)> ReadPatterns(JsonElement value, string pointer, int depth)
    {
        List<(Regex, SchemaNode)> patterns = [];
        foreach (var (text, schema) in ReadSchemas(value, pointer, depth))
        {
            if (_keywords.ReadPattern(text, $"{pointer}/{JsonPointer.Escape(text)}") is { } pattern)
            {
                patterns.Add((pattern, schema));
            }
        }

        return patterns;
    }

    /// <summary>Reads what a member demands beside it: names, or a schema for the whole object.</summary>
    private void ReadDependencies(SchemaNode node, JsonElement value, string pointer, int depth, bool names, bool schemas)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Report(pointer, $"Expected an object, found {SchemaText.Describe(value)}.");
            return;
        }

        foreach (var member in value.EnumerateObject())
        {
            var at = $"{pointer}/{JsonPointer.Escape(member.Name)}";
            if (names && (!schemas || member.Value.ValueKind == JsonValueKind.Array))
            {
                (node.DependentRequired ??= new(StringComparer.Ordinal))[member.Name] = _keywords.ReadNames(member.Value, at);
            }
            else
            {
                (node.DependentSchemas ??= new(StringComparer.Ordinal))[member.Name] = Parse(member.Value, at, depth + 1);
            }
        }
    }

    private void Report(string pointer, string message) => Problems.Add(new SchemaViolation(pointer, message));
}
