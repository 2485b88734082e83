using System.Text.Json;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>state</c>, and <c>write</c> of nodes.</summary>
internal static class StateReader
{
    private const string Example = "Such as state: { findings: append, cost: { reducer: sum } }.";

    private static readonly (string Name, StateReducer Value)[] Reducers = [.. Enum.GetValues<StateReducer>().Select(reducer => (StateReducers.Name(reducer), reducer))];

    public static SortedDictionary<string, StateDefinition> Read(MapReader file)
    {
        var values = new SortedDictionary<string, StateDefinition>(StringComparer.Ordinal);
        foreach (var entry in file.Named("state", Example))
        {
            file.Context.StateNames.Add(entry.Key);
            if (file.Context.StateNames.Count > StateDefinition.MaxValues)
            {
                file.Invalid("state", $"the state has more than {StateDefinition.MaxValues} values", "Put some together in an object with the reducer merge.");
                break;
            }

            if (Read(file, entry) is { } value)
            {
                values[value.Name] = value;
            }
        }

        if (file.Value("state") is SourceMapping { Entries.Count: 0 })
        {
            file.Invalid("state", "\"state\" is empty", Example);
        }

        if (file.Has("state") && !file.Has("nodes") && SubscriptionReader.AreShort(file))
        {
            file.NotApplicable("state", "\"state\" is what the nodes of the file write, and it has none", "Move it into the subscription.");
        }

        return values;
    }

    /// <summary>Reads what a node writes.</summary>
    public static IReadOnlyList<StateWrite> ReadWrites(MapReader node, string name)
    {
        var writes = new SortedDictionary<string, StateWrite>(StringComparer.Ordinal);
        if (node.Value("write") is SourceMapping { Entries.Count: 0 })
        {
            node.Invalid("write", "\"write\" is empty", "Such as write: { findings: \"{{ output }}\" }.");
        }

        if (node.Map("write") is not { } map)
        {
            return [];
        }

        foreach (var entry in node.Named("write", "Such as write: { findings: \"{{ output }}\" }."))
        {
            node.Context.StateWrites.Add((name, entry.Key, map.PathOf(entry.Key), entry.KeyLocation));
            if (map.Json(entry.Key, ExpressionPlace.Write, name) is { } value)
            {
                writes[entry.Key] = new StateWrite(entry.Key, value);
            }
        }

        return [.. writes.Values];
    }

    private static StateDefinition? Read(MapReader file, SourceEntry entry)
    {
        var path = file.PathOf("state") + "." + entry.Key;
        if (!file.CheckName(path, entry.KeyLocation, entry.Key, "state", NameRule.Node))
        {
            return null;
        }

        // The reducer alone is short for an object with it.
        var mapping = entry.Value switch
        {
            SourceMapping given => given,
            SourceScalar { Value: string } reducer => new SourceMapping(reducer.Location, [new SourceEntry("reducer", reducer.Location, reducer)]),
            _ => null,
        };
        if (mapping is null)
        {
            file.WrongTypeAt(path, entry.Value, $"the state \"{SourceValues.Shorten(entry.Key)}\"", "a reducer or an object", Example);
            return null;
        }

        var map = new MapReader(file.Context, mapping, path, entry.KeyLocation);
        var found = map.OneOf("reducer", Reducers);
        var schema = map.Schema("schema");
        var initial = map.Value("initial") is { } value ? SourceValues.ToJson(file.Context, value, map.PathOf("initial")) : null;
        map.Finish();
        if (!map.Has("reducer"))
        {
            map.Missing("reducer", "how writes are put together", "One of " + string.Join(", ", Reducers.Select(each => each.Name)) + ".");
        }

        if (found is not { } reducerOf)
        {
            return null;
        }

        var definition = new StateDefinition { Name = entry.Key, Reducer = reducerOf, Schema = schema, Initial = initial };
        Check(map, definition);
        return definition;
    }

    private static void Check(MapReader map, StateDefinition definition)
    {
        var wanted = definition.Reducer switch
        {
            StateReducer.Merge => ExpressionType.AnyMap,
            StateReducer.Sum or StateReducer.Min or StateReducer.Max => ExpressionType.Number,
            _ => ExpressionType.Any,
        };
        if (definition.Schema is { } schema && !schema.ToExpressionType().CanBe(wanted))
        {
            map.Invalid(
                "schema",
                $"the schema lets no value pass that {StateReducers.Name(definition.Reducer)} takes: it is that of {schema.ToExpressionType()}",
                definition.Reducer == StateReducer.Merge ? "Such as { type: object }." : "Such as { type: number }.");
            return;
        }

        if (definition.Initial is not { } initial)
        {
            return;
        }

        if (initial.GetRawText().Contains("{{", StringComparison.Ordinal))
        {
            map.Invalid("initial", "\"initial\" has no templates: it is there before anything runs", "Give a fixed value, and let the first node write what depends on the input.");
        }
        else if (!Payloads.Payload.MayBeInline(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(initial)))
        {
            map.Invalid("initial", $"\"initial\" is larger than {Payloads.Payload.InlineLimitBytes:N0} bytes of JSON, or nested more than {Json.JsonLimits.MaxInlineDepth} deep", "Let the first node write it.");
        }
        else if (!(initial.ValueKind == JsonValueKind.Null && definition.Reducer is StateReducer.Min or StateReducer.Max) && StateReducers.FindProblem(definition, initial) is { } problem)
        {
            map.Invalid("initial", $"the initial value does not fit: {ParseContext.Inner(problem)}", "Change the value, the schema or the reducer.");
        }
    }
}
