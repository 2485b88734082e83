using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions;

/// <summary>
/// What a host's settings say of models: the map <c>models</c>, with the same keys as in a workflow file, and the list <c>allowedEndpoints</c> of the addresses that workflows
/// may name.
/// </summary>
/// <param name="Models">The models by alias.</param>
/// <param name="Endpoints">Which addresses workflows may name.</param>
/// <param name="Problems">Everything that is wrong with them, in the order of the text.</param>
/// <param name="Warnings">What is probably not meant, in the order of the text.</param>
internal sealed record ModelAliases(
    IReadOnlyDictionary<string, ModelDefinition> Models, EndpointPolicy Endpoints, IReadOnlyList<WorkflowProblem> Problems, IReadOnlyList<WorkflowProblem> Warnings)
{
    private static readonly AllowedEndpoint Nowhere = new("https://nowhere.invalid", null);

    /// <summary>Reads a host's settings.</summary>
    /// <param name="root">The content of the settings: a map.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="readTools">Reads <c>tools</c>, if it is there.</param>
    /// <param name="otherKeys">The keys beside these that somebody else reads; all others are problems.</param>
    /// <returns>The models and the problems. Never throws for what the settings say.</returns>
    public static ModelAliases Parse(SourceNode root, string? file, Action<MapReader>? readTools = null, params IReadOnlyList<string> otherKeys)
    {
        var context = new ParseContext(file, Nodes.NodeKinds.All);
        var models = new SortedDictionary<string, ModelDefinition>(StringComparer.Ordinal);
        if (root is not SourceMapping mapping)
        {
            context.Error("wrong_type", "", root.Location, $"settings are an object, not {SourceValues.Describe(root)}", "Such as { \"models\": { \"fast\": { \"provider\": \"offline\" } } }.");
            return new ModelAliases(models, EndpointPolicy.Default, context.Problems, []);
        }

        var map = new MapReader(context, mapping, "", root.Location);
        foreach (var entry in map.Named("models", "Such as \"models\": { \"fast\": { \"provider\": \"offline\" } }."))
        {
            if (AgentReader.ReadModel(map, entry) is { } model)
            {
                models[entry.Key] = model;
            }
        }

        var endpoints = new EndpointPolicy([.. ReadEndpoints(map)]);
        if (readTools is not null && map.Map("tools") is { } tools)
        {
            readTools(tools);
        }

        foreach (var key in otherKeys)
        {
            map.Value(key);
        }

        map.Finish();
        foreach (var (alias, model) in models)
        {
            var path = $"models.{alias}.fallback";
            foreach (var unknown in model.Fallback.Where(name => !models.ContainsKey(name)))
            {
                context.Error("unknown_model", path, context.Locations.GetValueOrDefault(path), $"the fallback \"{unknown}\" is not an alias of these settings", "Add it to \"models\", or name another.");
            }
        }

        return new ModelAliases(models, endpoints, ParseContext.Sorted(context.Problems), ParseContext.Sorted(context.Warnings));
    }

    private static IEnumerable<AllowedEndpoint> ReadEndpoints(MapReader map) => ReadEndpoints(map, (_, allowed) => allowed);

    /// <summary>Reads <c>allowedEndpoints</c>.</summary>
    /// <typeparam name="T">What an entry is read as.</typeparam>
    /// <param name="map">Where it stands.</param>
    /// <param name="make">Reads what an entry has besides.</param>
    internal static IEnumerable<T> ReadEndpoints<T>(MapReader map, Func<MapReader, AllowedEndpoint, T> make)
    {
        const string key = "allowedEndpoints";
        const string example = "Such as { \"endpoint\": \"https://example.com/v1\", \"apiKeyVariable\": \"EXAMPLE_KEY\" }.";
        switch (map.Value(key))
        {
            case null:
                yield break;
            case SourceSequence list:
                for (var i = 0; i < list.Items.Count; i++)
                {
                    var path = $"{map.PathOf(key)}[{i}]";
                    if (list.Items[i] is not SourceMapping entry)
                    {
                        map.WrongTypeAt(path, list.Items[i], $"each entry of \"{key}\"", "an object", example);
                    }
                    else
                    {
                        var known = map.Context.Problems.Count;
                        var reader = new MapReader(map.Context, entry, path, entry.Location);
                        var allowed = ReadEndpoint(reader, example);
                        var made = make(reader, allowed ?? Nowhere);
                        reader.Finish();
                        if (allowed is not null && map.Context.Problems.Count == known)
                        {
                            yield return made;
                        }
                    }
                }

                break;
            case var other:
                map.WrongType(key, other, "an array", $"[{{ … }}], each entry {char.ToLowerInvariant(example[0])}{example[1..]}");
                break;
        }
    }

    private static AllowedEndpoint? ReadEndpoint(MapReader entry, string example)
    {
        var pattern = entry.Text("endpoint");
        if (!entry.Has("endpoint"))
        {
            entry.Missing("endpoint", "the address that workflows may name", example);
        }

        var variable = AgentReader.Variable(entry);
        var known = entry.Context.Problems.Count;
        if (pattern is not null && AllowedEndpoint.Problem(pattern) is { } problem)
        {
            entry.Invalid("endpoint", $"\"{SourceValues.Shorten(pattern)}\" {problem}");
        }

        if (variable is not null && AllowedEndpoint.IsOfTheHost(variable))
        {
            entry.Invalid(
                "apiKeyVariable", $"{variable} belongs to the host and is never sent to an address that a workflow names", "Define the model in \"models\" of these settings, or give the workflow its own key in another variable.");
        }

        return pattern is null || entry.Context.Problems.Count > known ? null : new AllowedEndpoint(pattern, variable);
    }
}
