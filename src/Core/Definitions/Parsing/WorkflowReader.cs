using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads the top of a workflow file and hands its parts to their readers.</summary>
internal sealed class WorkflowReader(ParseContext context)
{
    public string? Name { get; private set; }

    public int Version { get; private set; } = 1;

    public string? Description { get; private set; }

    public JsonSchema? Input { get; private set; }

    public WorkflowLimits Limits { get; private set; } = new();

    public SortedDictionary<string, ModelDefinition> Models { get; private set; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, AgentDefinition> Agents { get; private set; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, ToolDefinition> Tools { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>Gets the names of all agents, also of those with problems.</summary>
    public HashSet<string> AgentNames { get; } = new(StringComparer.Ordinal);

    public List<NodeDraft> Nodes { get; private set; } = [];

    public List<EdgeDraft> Edges { get; private set; } = [];

    public TerminationCondition? Termination { get; private set; }

    public Expressions.ValueTemplate? Output { get; private set; }

    /// <summary>Gets the values of the state by name.</summary>
    public SortedDictionary<string, StateDefinition> State { get; private set; } = new(StringComparer.Ordinal);

    public List<SubscriptionDraft> Subscriptions { get; private set; } = [];
    public List<ScheduleDraft> Schedules { get; private set; } = [];

    public void Read(SourceMapping root)
    {
        var map = new MapReader(context, root, "", root.Location);
        context.HandlesMessages = map.Has("subscriptions");
        var name = map.Text("name");
        if (!map.Has("name"))
        {
            map.Missing("name", "every workflow has one", "Add a first line such as: name: market-research");
        }
        else if (name is not null && map.CheckName("name", map.Value("name")!.Location, name, "workflow", NameRule.Workflow))
        {
            Name = name;
        }

        Version = map.Int("version", 1, 1_000_000_000) ?? 1;
        Description = map.Text("description", mayBeEmpty: true);
        Input = map.Schema("input");
        Limits = map.Map("limits") is { } limits ? LimitsReader.Read(limits, replaces: false) : new WorkflowLimits();
        foreach (var entry in map.Named("models", "Such as models: { fast: { provider: offline } }."))
        {
            if (AgentReader.ReadModel(map, entry) is { } model)
            {
                Models[entry.Key] = model;
            }
        }

        foreach (var entry in map.Named("agents", "Such as agents: { writer: { model: fast } }."))
        {
            AgentNames.Add(entry.Key);
            if (AgentReader.ReadAgent(map, entry) is { } agent)
            {
                Agents[entry.Key] = agent;
            }
        }

        foreach (var entry in map.Named("tools", "Such as tools: { lookup: { http: { url: \"https://api.example.com/v1/items\" } } }."))
        {
            if (ToolReader.Read(map, entry) is { } tool)
            {
                Tools[entry.Key] = tool;
            }
        }

        State = StateReader.Read(map);
        ReadNodes(map);
        Edges = EdgeReader.Read(map, Nodes);
        Termination = map.Value("termination") is { } termination ? TerminationReader.Read(map, "termination", termination) : null;
        Output = map.Json("output", ExpressionPlace.Output, null);
        Subscriptions = SubscriptionReader.Read(map, root);

        Schedules = ScheduleReader.Read(map);
        map.Explain("team", "Teams are not supported by this version.");
        map.Explain("triggers", "Triggers are not part of a workflow file.");
        map.Finish();
    }

    private void ReadNodes(MapReader map)
    {
        foreach (var entry in map.Named("nodes", "Such as nodes: { answer: { agent: writer, prompt: \"{{ input.question }}\" } }."))
        {
            if (Nodes.Count == SourceLimits.MaxNodes)
            {
                context.Error("too_many_nodes", "nodes", entry.KeyLocation, $"the workflow has more than {SourceLimits.MaxNodes:N0} nodes", "Use forEach, or split it into sub-workflows.");
                break;
            }

            Nodes.Add(new NodeReader(map, entry).Read());
        }

        if (!map.Has("nodes"))
        {
            // A file of agents that handle messages has no graph of its own.
            if (SubscriptionReader.AreShort(map))
            {
                return;
            }

            map.Missing("nodes", "a workflow has at least one node", "Add nodes: { answer: { agent: writer, prompt: \"…\" } }");
        }
        else if (Nodes.Count == 0 && map.Value("nodes") is SourceMapping)
        {
            map.Invalid("nodes", "\"nodes\" is empty: a workflow has at least one node");
        }
    }
}

/// <summary>A node as far as it could be read: the definition is absent if it has problems, but others may refer to its name.</summary>
internal sealed record NodeDraft(string Name, string Path, SourceLocation Location, NodeDefinition? Definition);
