using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <content>Follows references.</content>
internal sealed partial class SchemaParser
{
    private readonly Dictionary<string, SchemaNode> _byPointer = new(StringComparer.Ordinal);
    private readonly Queue<(SchemaNode Node, string Target, string Pointer)> _references = [];
    private string? _id;
    private bool _isOldDraft;
    private bool _isNewDraft;

    /// <summary>Finds out which draft another program has written.</summary>
    private void ReadDraft()
    {
        if (_root.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        _id = Text("$id")?.TrimEnd('#');
        if (!_isLenient || Text("$schema") is not { } draft)
        {
            return;
        }

        _isOldDraft = draft.Contains("/draft-07/", StringComparison.Ordinal) || draft.Contains("/draft-06/", StringComparison.Ordinal);
        _isNewDraft = draft.Contains("/draft/2020-12/", StringComparison.Ordinal);
        if (!_isOldDraft && !_isNewDraft && draft.Contains("json-schema.org/draft", StringComparison.Ordinal) && !draft.Contains("/draft/2019-09/", StringComparison.Ordinal))
        {
            Report("/$schema", $"Expected draft 2020-12, 2019-09, 7 or 6, found {SchemaText.Quote(draft)}.");
        }
    }

    private string? Text(string name) => _root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A schema within a schema, with its own address, would have its own references.</summary>
    private void CheckId(JsonElement value, string pointer)
    {
        if (pointer != "/$id" && value.ValueKind == JsonValueKind.String)
        {
            Report(pointer, "\"$id\" is supported only at the top.");
        }
    }

    private void ReadReference(SchemaNode node, JsonElement value, string pointer)
    {
        if (_keywords.ReadString(value, pointer) is not { } target)
        {
            return;
        }

        var local = _id is { Length: > 0 } && target.StartsWith(_id, StringComparison.Ordinal) && target.AsSpan(_id.Length) is "" or ['#', ..] ? "#" + target[_id.Length..].TrimStart('#') : target;
        if (local != "#" && !local.StartsWith("#/", StringComparison.Ordinal))
        {
            Report(pointer, $"Only references within the schema are followed, found {SchemaText.Quote(target)}. Write \"#/$defs/NAME\", and define NAME in \"$defs\" at the top.");
        }
        else
        {
            _references.Enqueue((node, local, pointer));
        }
    }

    private void ResolveReferences()
    {
        while (_references.TryDequeue(out var reference))
        {
            var (node, target, pointer) = reference;
            if (Find(target) is { } found)
            {
                node.Ref = found;
                found.IsShared = true;
            }
            else
            {
                Report(pointer, $"There is no {SchemaText.Quote(target)} in this schema.{ReferenceHint(target)}");
            }
        }
    }

    private SchemaNode? Find(string target)
    {
        // In an address, a pointer has its own escapes and those of addresses.
        var at = Uri.UnescapeDataString(target[1..]);
        if (_byPointer.TryGetValue(at, out var known))
        {
            return known;
        }

        if (JsonPointer.Find(_root, at) is not { } json)
        {
            return null;
        }

        // The same place may be written in several ways.
        var parts = JsonPointer.Parts(at).ToList();
        at = string.Concat(parts.Select(part => "/" + JsonPointer.Escape(part)));
        if (_byPointer.TryGetValue(at, out known))
        {
            return known;
        }

        return _isLenient && json.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False ? Parse(json, at, parts.Count) : null;
    }

    private string ReferenceHint(string target)
    {
        const string Definitions = "#/$defs/";
        var match = NearMatch.Find(target, _byPointer.Keys.Select(key => "#" + key).Where(key => key.StartsWith(Definitions, StringComparison.Ordinal) && !key.AsSpan(Definitions.Length).Contains('/')));
        return match is null ? " Define it in \"$defs\" at the top." : $" Did you mean \"{match}\"?";
    }

    /// <summary>A schema that refers to itself without going deeper into the value would never end.</summary>
    private void CheckLoops()
    {
        var done = new Dictionary<SchemaNode, int>(ReferenceEqualityComparer.Instance);
        foreach (var (node, pointer) in _nodes)
        {
            var height = SchemaHeight.Of(node, done);
            if (height is > 0 and <= SchemaLimits.Height)
            {
                continue;
            }

            Report(pointer, height == 0 ? "The schema refers to itself without going deeper into the value." : $"More than {SchemaLimits.Height} parts of the schema build on each other for one value.");
            return;
        }
    }
}
