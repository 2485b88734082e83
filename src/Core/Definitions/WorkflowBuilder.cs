using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>
/// Builds a workflow in code. It makes the same tree as a file and uses the same parser, so the same rules are checked; problems name their
/// place by path. Texts are templates and expressions as in files; JSON values are copied. Not thread-safe.
/// </summary>
/// <example>
/// <code>
/// var workflow = new WorkflowBuilder("hello")
///     .Model("fast", "offline")
///     .Agent("writer", "fast", "You write short letters.")
///     .AgentNode("write", "writer", "Welcome {{ input.name }}.")
///     .Output("{{ nodes.write.output }}")
///     .Build();
/// </code>
/// </example>
/// <param name="name">The workflow's name.</param>
public sealed partial class WorkflowBuilder(string name)
{
    private readonly JsonObject _top = new() { ["name"] = name };
    private readonly List<(string Name, JsonObject Value)> _models = [];
    private readonly List<(string Name, JsonObject Value)> _agents = [];
    private readonly List<(string Name, JsonObject Value)> _tools = [];
    private readonly List<(string Name, JsonObject Value)> _nodes = [];
    private readonly List<(string Name, JsonObject Value)> _subscriptions = [];
    private readonly List<JsonObject> _schedules = [];
    private JsonArray? _edges;

    /// <summary>Sets the version; 1 by default.</summary>
    /// <param name="version">The version, 1 or more.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Version(int version) => Set("version", version);

    /// <summary>Sets the description of the workflow.</summary>
    /// <param name="description">The text.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Description(string description) => Set("description", description);

    /// <summary>Sets the schema of the input; without one, anything is accepted.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Input(JsonNode schema) => Set("input", schema);

    /// <summary>Sets the limits of an instance.</summary>
    /// <param name="limits">The limits.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Limits(WorkflowLimits limits) => Set("limits", Json(limits));

    /// <summary>Adds a model alias.</summary>
    /// <param name="name">The alias.</param>
    /// <param name="provider"><c>openai</c>, <c>azure-openai</c> or <c>offline</c>.</param>
    /// <param name="model">The provider's name of the model; not needed offline.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Model(string name, string provider, string? model = null) => Model(new ModelDefinition { Name = name, Provider = provider, Model = model });

    /// <summary>Adds a model alias.</summary>
    /// <param name="model">The model.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Model(ModelDefinition model)
    {
        var map = new JsonObject { ["provider"] = model.Provider };
        Put(map, "model", model.Model);
        Put(map, "endpoint", model.Endpoint?.OriginalString);
        Put(map, "apiKeyVariable", model.ApiKeyVariable);
        Put(map, "apiVersion", model.ApiVersion);
        if (model.Dialect is { } dialect)
        {
            map["dialect"] = Json(dialect);
        }

        Put(map, "temperature", model.Temperature);
        Put(map, "maxOutputTokens", model.MaxOutputTokens);
        Put(map, "requestsPerMinute", model.RequestsPerMinute);
        Put(map, "tokensPerMinute", model.TokensPerMinute);
        if (model.Fallback.Count > 0)
        {
            map["fallback"] = Texts(model.Fallback);
        }

        _models.Add((model.Name, map));
        return this;
    }

    /// <summary>Adds an agent.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="model">The model alias.</param>
    /// <param name="instructions">The system message, a template.</param>
    /// <param name="configure">Sets the rest.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Agent(string name, string model, string? instructions = null, Action<AgentBuilder>? configure = null)
    {
        var map = new JsonObject { ["model"] = model };
        Put(map, "instructions", instructions);
        configure?.Invoke(new AgentBuilder(map));
        _agents.Add((name, map));
        return this;
    }

    /// <summary>Adds a tool: see <see cref="WorkflowBuilderTools"/>.</summary>
    internal WorkflowBuilder Tool(string name, JsonObject tool)
    {
        _tools.Add((name, tool));
        return this;
    }

    /// <summary>Adds an edge. Without any edge, nodes run one after another in the order in which they were added.</summary>
    /// <param name="from">The source node.</param>
    /// <param name="to">The target node.</param>
    /// <param name="when">The condition; <see langword="null"/> means always.</param>
    /// <param name="max">For an edge that goes back: how many times it may be taken each time its loop is entered, 1 to 10,000.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Edge(string from, string to, string? when = null, int? max = null)
    {
        var map = new JsonObject { ["from"] = from, ["to"] = to };
        Put(map, "when", when);
        Put(map, "max", max);
        (_edges ??= []).Add((JsonNode)map);
        return this;
    }

    /// <summary>Adds edges in the short form.</summary>
    /// <param name="chains">Texts such as <c>plan -> [left, right] -> join</c>; none at all means that all nodes start at once.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Edges(params ReadOnlySpan<string> chains)
    {
        _edges ??= [];
        foreach (var chain in chains)
        {
            _edges.Add((JsonNode?)chain);
        }

        return this;
    }

    /// <summary>Sets when to stop before the graph ends, as in a file: <c>{ "maxMessages": 20 }</c>.</summary>
    /// <param name="condition">The condition.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Termination(JsonNode condition) => Set("termination", condition);

    /// <summary>Adds a value to the state, which nodes write together: <see cref="NodeBuilder.Write"/>.</summary>
    /// <param name="name">Its name, which expressions read as <c>state.NAME</c>.</param>
    /// <param name="reducer">How writes are put together.</param>
    /// <param name="schema">What each write must fit, with <see cref="StateReducer.Append"/> each element; anything by default.</param>
    /// <param name="initial">The value before anything is written; by default that of the reducer.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder State(string name, StateReducer reducer, JsonObject? schema = null, JsonNode? initial = null)
    {
        if (_top["state"] is not JsonObject state)
        {
            _top["state"] = state = [];
        }

        state[name] = StateValue(reducer, schema, initial);
        return this;
    }

    /// <summary>Binds a topic type to what handles its messages: an agent or another workflow, or else the nodes of this one.</summary>
    /// <param name="name">The name, like that of a node.</param>
    /// <param name="topic">The topic type: 1 to 63 lower-case letters, digits and <c>-</c>.</param>
    /// <param name="configure">Sets the rest.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Subscription(string name, string topic, Action<SubscriptionBuilder>? configure = null)
    {
        var map = new JsonObject { ["topic"] = topic };
        configure?.Invoke(new SubscriptionBuilder(map));
        _subscriptions.Add((name, map));
        return this;
    }

    /// <summary>Sets the output, a JSON value whose strings are templates.</summary>
    /// <param name="value">The value.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Output(JsonNode value) => Set("output", value);

    /// <summary>Adds times at which hosts start the workflow by themselves.</summary>
    /// <param name="cron">The cron expression: five fields, or six with seconds first.</param>
    /// <param name="timeZone">The IANA name of the time zone.</param>
    /// <param name="catchUp">What becomes of due times that passed while no host ran.</param>
    /// <param name="input">The input of the instances; its texts are templates that read <c>schedule</c>. <see langword="null"/> for an empty object.</param>
    /// <param name="name">The name, needed to tell several apart: lower-case letters, digits and <c>-</c>.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder Schedule(
        string cron, string timeZone = ScheduleDefinition.DefaultTimeZone, CatchUpPolicy catchUp = CatchUpPolicy.One, JsonNode? input = null, string? name = null)
    {
        var map = new JsonObject { ["cron"] = cron, ["timeZone"] = timeZone, ["catchUp"] = catchUp.ToString().ToLowerInvariant() };
        Put(map, "input", input);
        Put(map, "name", name);
        _schedules.Add(map);
        return this;
    }

    /// <summary>Makes the tree that a file of the same content gives.</summary>
    /// <returns>The tree; all places are unknown.</returns>
    internal SourceMapping ToSource()
    {
        var entries = new List<SourceEntry>();
        foreach (var (key, value) in _top)
        {
            Add(entries, key, value);
        }

        AddNamed(entries, "models", _models);
        AddNamed(entries, "agents", _agents);
        AddNamed(entries, "tools", _tools);
        AddNamed(entries, "nodes", _nodes);
        if (_edges is not null)
        {
            Add(entries, "edges", _edges);
        }

        AddNamed(entries, "subscriptions", _subscriptions);
        if (_schedules.Count > 0)
        {
            Add(entries, "schedule", _schedules is [var one] ? one : new JsonArray([.. _schedules.Select(schedule => schedule.DeepClone())]));
        }

        return new SourceMapping(default, entries);
    }

    /// <summary>Checks the workflow.</summary>
    /// <returns>The definition or its problems, and warnings.</returns>
    public WorkflowParseResult Parse() => WorkflowParser.Parse(ToSource(), name);

    /// <summary>Makes the definition.</summary>
    /// <returns>The definition.</returns>
    /// <exception cref="WorkflowInvalidException">There is any problem; the message lists all.</exception>
    public WorkflowDefinition Build() => Parse().Require();

    /// <summary>Makes the definition of a workflow whose logic is a C# function of the workflow's name.</summary>
    /// <param name="workflows">The workflows that the function runs.</param>
    /// <returns>The definition: models, agents and limits, with one node for the function.</returns>
    /// <exception cref="WorkflowInvalidException">Something is wrong; every problem is listed.</exception>
    internal WorkflowDefinition BuildCode(IEnumerable<string> workflows)
    {
        if (_nodes.Count > 0)
        {
            throw new InvalidOperationException("A workflow in C# has no nodes of its own: its function calls agents and tools. Remove them, or build a graph.");
        }

        _nodes.Add(("code", new JsonObject { ["code"] = name, ["input"] = "{{ input }}", ["workflows"] = Texts(workflows) }));
        return WorkflowParser.Parse(ToSource(), NodeKinds.WithCode, name).Require();
    }

    internal static JsonObject Json(WorkflowLimits limits)
    {
        var map = new JsonObject();
        if (limits.IsMaxConcurrencyGiven)
        {
            map["maxConcurrency"] = limits.MaxConcurrency;
        }

        Put(map, "maxModelCalls", limits.MaxModelCalls);
        Put(map, "maxTokens", limits.MaxTokens);
        Put(map, "maxCostUsd", limits.MaxCostUsd);
        Put(map, "timeout", limits.Timeout);
        return map;
    }

    private static JsonNode Json(ModelDialect dialect)
    {
        if (dialect is { Name: { } name, IsNameAlone: true })
        {
            return JsonValue.Create(name)!;
        }

        var map = new JsonObject();
        Put(map, "name", dialect.Name);
        Put(map, "structuredOutput", dialect.StructuredOutput);
        Put(map, "strictSchemas", dialect.StrictSchemas);
        Put(map, "tokenLimit", dialect.TokenLimit);
        Put(map, "roles", dialect.Roles);
        Put(map, "systemRole", dialect.SystemRole);
        Put(map, "names", dialect.Names);
        return map;
    }

    internal static JsonObject Json(RetryDefinition retry) => new()
    {
        ["maxAttempts"] = retry.MaxAttempts,
        ["firstDelay"] = Duration.Format(retry.FirstDelay),
        ["backoff"] = retry.Backoff,
        ["maxDelay"] = Duration.Format(retry.MaxDelay),
    };

    internal static JsonNode StateValue(StateReducer reducer, JsonObject? schema, JsonNode? initial)
    {
        if (schema is null && initial is null)
        {
            return Runs.StateReducers.Name(reducer);
        }

        var value = new JsonObject { ["reducer"] = Runs.StateReducers.Name(reducer) };
        Put(value, "schema", schema);
        Put(value, "initial", initial);
        return value;
    }

    internal static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode?)text)]);

    internal static void Put(JsonObject map, string key, JsonNode? value)
    {
        if (value is not null)
        {
            map[key] = value.DeepClone();
        }
    }

    internal static void Put(JsonObject map, string key, TimeSpan? duration) => Put(map, key, duration is { } value ? Duration.Format(value) : null);

    private WorkflowBuilder Set(string key, JsonNode value)
    {
        Put(_top, key, value);
        return this;
    }

    private WorkflowBuilder Node(string name, JsonObject map, Action<NodeBuilder>? configure)
    {
        configure?.Invoke(new NodeBuilder(map));
        _nodes.Add((name, map));
        return this;
    }

    private static void AddNamed(List<SourceEntry> entries, string key, List<(string Name, JsonObject Value)> named)
    {
        if (named.Count == 0)
        {
            return;
        }

        var inner = new List<SourceEntry>();
        foreach (var (one, value) in named)
        {
            Add(inner, one, value);
        }

        entries.Add(new SourceEntry(key, default, new SourceMapping(default, inner)));
    }

    private static void Add(List<SourceEntry> entries, string key, JsonNode? value)
    {
        using var document = JsonDocument.Parse(value?.ToJsonString() ?? "null", new JsonDocumentOptions { MaxDepth = 1_000 });
        entries.Add(new SourceEntry(key, default, JsonSource.FromElement(document.RootElement)));
    }
}
