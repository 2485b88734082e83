using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Polyphony.Core.Definitions.Sources;

/// <summary>Builds the neutral tree from the events of a YAML parser. For one text.</summary>
internal sealed class YamlTreeBuilder(string text, string? file, List<WorkflowProblem> problems)
{
    private readonly Dictionary<string, Anchored> _anchors = [];
    private int _values;
    private bool _tooMany;

    /// <summary>Gets the place of the last event.</summary>
    public SourceLocation LastLocation { get; private set; } = new(1, 1);

    /// <summary>Reads one document.</summary>
    /// <param name="parser">The events.</param>
    /// <returns>The content, or <see langword="null"/> if a limit stopped the reading.</returns>
    public SourceNode? Read(IParser parser)
    {
        SourceNode? root = null;
        while (parser.MoveNext())
        {
            var current = parser.Current!;
            LastLocation = At(current.Start);
            switch (current)
            {
                case StreamStart or StreamEnd or DocumentEnd:
                    break;
                case DocumentStart when root is not null:
                    Report("yaml_unsupported", LastLocation, "a second document begins here", "Keep one workflow per file: remove everything from --- on.");
                    return null;
                case DocumentStart:
                    break;
                default:
                    root = Node(parser, 1, out _);
                    if (root is null)
                    {
                        return null;
                    }

                    break;
            }
        }

        if (root is null)
        {
            Report("empty_file", new SourceLocation(1, 1), "the file is empty", "A workflow has at least a name and a node.");
        }

        return root;
    }

    // Reads the value at the parser's current event and leaves the parser on its last event. Height counts the levels of the value itself.
    private SourceNode? Node(IParser parser, int depth, out int height)
    {
        height = 1;

        // After a key without a text (": x"), the library gives the end of the map where the value should be.
        if (parser.Current is not (NodeEvent or AnchorAlias))
        {
            return Stop("yaml_syntax", parser.Current is { } other ? At(other.Start) : LastLocation, "not valid YAML: a key or a value is missing before this place", "Check quotes, brackets and indentation.");
        }

        var current = parser.Current!;
        var location = LastLocation = At(current.Start);
        if (depth > SourceLimits.MaxDepth)
        {
            return Stop("too_deep", location, $"arrays and objects are nested more than {SourceLimits.MaxDepth} deep", "Flatten the structure.");
        }

        if (current is AnchorAlias alias)
        {
            return Resolve(alias, location, depth, out height);
        }

        if (++_values > SourceLimits.MaxValues)
        {
            return StopAtTooMany(location);
        }

        var first = _values;
        var anchor = ((NodeEvent)current).Anchor;
        CheckTag((NodeEvent)current, location);
        SourceNode? node;
        switch (current)
        {
            case Scalar scalar:
                node = YamlScalars.Read(scalar, text, location, Report);
                break;
            case SequenceStart:
                node = Sequence(parser, location, depth, ref height);
                break;
            default:
                node = Mapping(parser, location, depth, ref height);
                break;
        }

        if (node is not null && !anchor.IsEmpty)
        {
            _anchors[anchor.Value] = new Anchored(node, _values - first + 1, height);
        }

        return node;
    }

    private SourceSequence? Sequence(IParser parser, SourceLocation location, int depth, ref int height)
    {
        var items = new List<SourceNode>();
        while (parser.MoveNext() && parser.Current is not SequenceEnd)
        {
            if (Node(parser, depth + 1, out var inner) is not { } item)
            {
                return null;
            }

            items.Add(item);
            height = Math.Max(height, inner + 1);
        }

        return new SourceSequence(location, items);
    }

    private SourceMapping? Mapping(IParser parser, SourceLocation location, int depth, ref int height)
    {
        var entries = new List<SourceEntry>();
        while (parser.MoveNext() && parser.Current is not MappingEnd)
        {
            var key = parser.Current!;
            var keyLocation = At(key.Start);
            var name = key is Scalar scalar ? scalar.Value : null;
            if (name is null)
            {
                Report("yaml_unsupported", keyLocation, "a key is an array, an object or an alias", "Keys are strings. If {{ }} was meant, put the whole text in quotes.");
            }
            else if (name == "<<" && ((Scalar)key).Style == ScalarStyle.Plain)
            {
                Report("yaml_unsupported", keyLocation, "merge keys (<<) are not supported", "Write the keys out, or give the whole value an anchor and use it by alias.");
            }
            else
            {
                CheckTag((NodeEvent)key, keyLocation);
            }

            if (name is null && key is not AnchorAlias && Node(parser, depth + 1, out _) is null)
            {
                return null;
            }

            parser.MoveNext();
            if (Node(parser, depth + 1, out var inner) is not { } value)
            {
                return null;
            }

            entries.Add(new SourceEntry(name ?? "", keyLocation, value));
            height = Math.Max(height, inner + 1);
        }

        return new SourceMapping(location, entries);
    }

    private SourceNode? Resolve(AnchorAlias alias, SourceLocation location, int depth, out int height)
    {
        height = 1;
        if (!_anchors.TryGetValue(alias.Value.Value, out var anchored))
        {
            return Stop("yaml_alias", location, $"the alias *{alias.Value.Value} names no anchor that ends before it", "Put &" + alias.Value.Value + " before the value that is meant, further up.");
        }

        height = anchored.Height;
        _values += anchored.Values;
        if (_values > SourceLimits.MaxValues)
        {
            return StopAtTooMany(location);
        }

        return depth + anchored.Height - 1 > SourceLimits.MaxDepth
            ? Stop("too_deep", location, $"arrays and objects are nested more than {SourceLimits.MaxDepth} deep once the alias is resolved", "Flatten the structure.")
            : anchored.Node;
    }

    private void CheckTag(NodeEvent node, SourceLocation location)
    {
        if (node.Tag.IsEmpty)
        {
            return;
        }

        Report("yaml_unsupported", location, $"the tag {Tag(node.Tag)} is not supported", "Remove it: quoted values are strings, the rest is what it looks like.");
    }

    private static string Tag(TagName tag) => tag.IsNonSpecific ? "!" : tag.Value.Replace("tag:yaml.org,2002:", "!!", StringComparison.Ordinal);

    private SourceNode? StopAtTooMany(SourceLocation location)
    {
        if (!_tooMany)
        {
            Report("too_many_values", location, $"the file has more than {SourceLimits.MaxValues:N0} values once aliases are resolved", "Keep data out of workflow files: pass it as input.");
        }

        _tooMany = true;
        return null;
    }

    private SourceNode? Stop(string code, SourceLocation location, string message, string hint)
    {
        Report(code, location, message, hint);
        return null;
    }

    private void Report(string code, SourceLocation location, string message, string hint) => problems.Add(new WorkflowProblem(code, "", location, message, hint, file));

    private static SourceLocation At(Mark mark) => new((int)mark.Line, (int)mark.Column);

    private sealed record Anchored(SourceNode Node, int Values, int Height);
}
