using Polyphony.Core.Workflows.Parsing;

namespace Polyphony.Core.Workflows;

/// <summary>The model aliases of a host: the map <c>models</c> of its settings, with the same keys as in a workflow file.</summary>
/// <param name="Models">The models by alias.</param>
/// <param name="Problems">Everything that is wrong with them, in the order of the text.</param>
public sealed record ModelAliases(IReadOnlyDictionary<string, ModelDefinition> Models, IReadOnlyList<WorkflowProblem> Problems)
{
    /// <summary>Reads a host's settings.</summary>
    /// <param name="root">The content of the settings: a map.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="otherKeys">The keys beside <c>models</c> that somebody else reads; all others are problems.</param>
    /// <returns>The models and the problems. Never throws for what the settings say.</returns>
    public static ModelAliases Parse(SourceNode root, string? file, params IReadOnlyList<string> otherKeys)
    {
        var context = new ParseContext(file);
        var models = new SortedDictionary<string, ModelDefinition>(StringComparer.Ordinal);
        if (root is not SourceMapping mapping)
        {
            context.Error("wrong_type", "", root.Location, $"settings are a map, not {SourceValues.Describe(root)}", "Such as { \"models\": { \"fast\": { \"provider\": \"offline\" } } }.");
            return new ModelAliases(models, context.Problems);
        }

        var map = new MapReader(context, mapping, "", root.Location);
        foreach (var entry in map.Named("models", "Such as \"models\": { \"fast\": { \"provider\": \"offline\" } }."))
        {
            if (AgentReader.ReadModel(map, entry) is { } model)
                models[entry.Key] = model;
        }

        foreach (var key in otherKeys)
            map.Value(key);

        map.Finish();
        foreach (var (alias, model) in models)
        {
            var path = $"models.{alias}.fallback";
            foreach (var unknown in model.Fallback.Where(name => !models.ContainsKey(name)))
                context.Error("unknown_model", path, context.Locations.GetValueOrDefault(path), $"the fallback \"{unknown}\" is no alias of these settings", "Add it to \"models\", or name another.");
        }

        return new ModelAliases(models, ParseContext.Sorted(context.Problems));
    }
}
