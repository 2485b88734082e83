using System.Text.Json;
using Polyphony.Core.Graph;
using Polyphony.Core.Json;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>A valid workflow. Immutable; shared by all instances that pinned it.</summary>
public sealed record WorkflowDefinition
{
    /// <summary>Gets the name: 1 to 63 lower-case letters, digits and <c>-</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the version; 1 by default. For people: instances pin the content, not the number.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Gets the description.</summary>
    public string? Description { get; init; }

    /// <summary>
    /// Gets a value indicating whether the workflow uses its input: it has a schema, or an expression reads it. A workflow that does not accepts only an empty object or null,
    /// so that a mistyped or needless input is not ignored.
    /// </summary>
    public bool TakesInput { get; init; } = true;

    /// <summary>Gets the schema of the input; <see langword="null"/> accepts anything.</summary>
    public JsonSchema? Input { get; init; }

    /// <summary>Gets the limits of an instance.</summary>
    public WorkflowLimits Limits { get; init; } = new();

    /// <summary>Gets the model aliases that the file defines; others come from the host's settings.</summary>
    public IReadOnlyDictionary<string, ModelDefinition> Models { get; init; } = new Dictionary<string, ModelDefinition>();

    /// <summary>Gets the agents by name.</summary>
    public IReadOnlyDictionary<string, AgentDefinition> Agents { get; init; } = new Dictionary<string, AgentDefinition>();

    /// <summary>Gets the tools that the file describes; others are the host's.</summary>
    internal IReadOnlyDictionary<string, ToolDefinition> Tools { get; init; } = new Dictionary<string, ToolDefinition>();

    /// <summary>Gets the nodes and edges, analysed. Node indexes are places in the file.</summary>
    public required WorkflowGraph Graph { get; init; }

    /// <summary>Gets when to stop before the graph ends, or <see langword="null"/>.</summary>
    public TerminationCondition? Termination { get; init; }

    /// <summary>Gets the output; <see langword="null"/> means the output of the last node, or an object with those of the last nodes by name if there are several.</summary>
    public ValueTemplate? Output { get; init; }

    /// <summary>Gets the topics whose messages the workflow handles.</summary>
    public IReadOnlyList<SubscriptionDefinition> Subscriptions { get; init; } = [];

    /// <summary>Gets the values that nodes write together, by name (ordinal); in a workflow that handles messages, there is a set of them for each source.</summary>
    public IReadOnlyList<StateDefinition> State { get; init; } = [];

    /// <summary>Gets a value indicating whether the workflow can be started: it has nodes of its own. One that has only subscriptions runs when messages come.</summary>
    public bool IsStartable => Graph.Nodes.Length > 0;

    /// <summary>Gets the output of a workflow that names none: that of its last node, or an object of its last nodes' by name.</summary>
    public ValueTemplate DefaultOutput => _defaultOutput ??= MakeDefaultOutput();

    /// <summary>Gets when it is started by itself; empty for most. A host goes by the definition of its catalog, not by those that instances have pinned.</summary>
    public IReadOnlyList<ScheduleDefinition> Schedules { get; init; } = [];

    /// <summary>Gets the definition as canonical JSON: what instances pin.</summary>
    public required string CanonicalJson { get; init; }

    /// <summary>Gets the lower-case hex SHA-256 of <see cref="CanonicalJson"/> in UTF-8.</summary>
    public required string Hash { get; init; }

    /// <summary>Reads a pinned definition. Names and types are not checked again: they were checked before it was pinned.</summary>
    /// <param name="canonicalJson">The text of <see cref="CanonicalJson"/>.</param>
    /// <returns>The definition.</returns>
    /// <exception cref="WorkflowInvalidException">The text is not a workflow.</exception>
    public static WorkflowDefinition FromJson(string canonicalJson) => WorkflowParser.FromCanonical(canonicalJson, NodeKinds.WithCode);

    /// <summary>Gets an agent with the settings that a node overrides.</summary>
    /// <param name="agent">The agent: the node's, or the one that stands in for it, which keeps its own schema.</param>
    /// <param name="node">The node.</param>
    /// <returns>The agent, or <see langword="null"/> if there is none of that name.</returns>
    public AgentDefinition? FindAgent(string agent, string node)
    {
        var found = Agents.GetValueOrDefault(agent);
        return found is not null && Graph.Find(node) is { } at ? at.Kind.Adjust(found, at) : found;
    }

    /// <summary>Finds a value of the state.</summary>
    internal StateDefinition? FindState(string name) => State.FirstOrDefault(value => value.Name == name);

    /// <summary>Gets what is said of the calls of a tool.</summary>
    /// <param name="agent">The agent that asks for the call; <see langword="null"/>: the node makes it.</param>
    /// <param name="node">The node.</param>
    /// <param name="tool">The tool.</param>
    internal ToolRules? FindToolRules(string? agent, string node, string tool) =>
        agent is not null ? Agents.GetValueOrDefault(agent)?.ToolRules.GetValueOrDefault(tool)
        : Graph.Find(node) is { } at ? at.Kind.ToolRulesOf(at)
        : null;

    /// <summary>Gets the nodes and the tools that run other workflows.</summary>
    internal IEnumerable<SubWorkflowUse> SubWorkflows => Graph.Nodes.SelectMany(node => node.Kind.SubWorkflowsOf(node)).Concat(Tools.Values.OfType<WorkflowToolDefinition>().Select(UseOf));

    /// <summary>Gets the workflows that a node runs, by itself or by the tools of its agents.</summary>
    internal IEnumerable<SubWorkflowUse> SubWorkflowsOf(NodeDefinition node) => node.Kind.SubWorkflowsOf(node).Concat(
        Tools.Count == 0 ? [] : node.Kind.AgentsOf(node, Agents.Keys).Append(node.OnError.Agent).OfType<string>().SelectMany(agent => SubWorkflowsOf(Agents.GetValueOrDefault(agent))));

    /// <summary>Gets the workflows that an agent runs as tools.</summary>
    internal IEnumerable<SubWorkflowUse> SubWorkflowsOf(AgentDefinition? agent) => (agent?.Tools ?? []).Select(tool => Tools.GetValueOrDefault(tool)).OfType<WorkflowToolDefinition>().Select(UseOf);

    private static SubWorkflowUse UseOf(WorkflowToolDefinition tool) => new($"tools.{tool.Name}", tool.Workflow, tool.Limits) { IsTool = true };

    private ValueTemplate? _defaultOutput;

    private ValueTemplate MakeDefaultOutput()
    {
        var last = Graph.Nodes.Where((_, node) => Graph.Outgoing[node].All(edge => Graph.Edges[edge].IsBackEdge)).Select(node => node.Name).ToList();
        var text = last.Count == 1 ? $"\"{Reference(last[0])}\"" : $"{{{string.Join(',', last.Select(name => $"\"{name}\":\"{Reference(name)}\""))}}}";
        return ValueTemplate.TryParse(JsonElement.Parse(System.Text.Encoding.UTF8.GetBytes(text), JsonLimits.Document), out var template, out var problems)
            ? template
            : throw new ExpressionException(text, problems[0].Problem);

        static string Reference(string name) => $"{{{{ nodes.{name}.output }}}}";
    }
}

/// <summary>The limits of one instance. Reaching one ends the instance with that stop reason and with the results so far.</summary>
public sealed record WorkflowLimits
{
    /// <summary>The default of <see cref="MaxConcurrency"/>.</summary>
    public const int DefaultMaxConcurrency = 5;

    /// <summary>The maximum number of items of a <c>forEach</c>: 10,000.</summary>
    public const int MaxItems = 10_000;

    private readonly int? _maxConcurrency;

    /// <summary>Gets the maximum number of concurrent activations: 1 to 1,000, default 5.</summary>
    public int MaxConcurrency
    {
        get => _maxConcurrency ?? DefaultMaxConcurrency;
        init => _maxConcurrency = value;
    }

    /// <summary>Gets a value indicating whether <see cref="MaxConcurrency"/> was set; limits of a workflow node replace only what is set.</summary>
    public bool IsMaxConcurrencyGiven => _maxConcurrency is not null;

    /// <summary>Gets the maximum number of model calls, retries included; <see langword="null"/> for no limit.</summary>
    public int? MaxModelCalls { get; init; }

    /// <summary>Gets the maximum number of tokens, input and output together; checked before each call.</summary>
    public long? MaxTokens { get; init; }

    /// <summary>Gets the maximum cost in US dollars; checked before each call.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>Gets the time limit of the instance from its start, waiting included.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>A model alias.</summary>
public sealed record ModelDefinition
{
    /// <summary>Gets the alias.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the provider: <c>openai</c>, <c>azure-openai</c>, <c>offline</c>, or the name of a chat client that the app has added.</summary>
    public required string Provider { get; init; }

    /// <summary>Gets the provider's name of the model or deployment; not needed offline.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the base address of an OpenAI-compatible endpoint; by default the one in the environment.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Gets the name of the environment variable that holds the key; by default the provider's usual one.</summary>
    public string? ApiKeyVariable { get; init; }

    /// <summary>
    /// Gets the <c>api-version</c> of Azure OpenAI's deployments route, such as <c>2024-10-21</c>; <c>azure-openai</c> only. Without it the v1 route is used, which has none.
    /// </summary>
    public string? ApiVersion { get; init; }

    /// <summary>Gets the dialect of the server, where it differs from what the address suggests; <c>openai</c> and <c>azure-openai</c> only.</summary>
    public ModelDialect? Dialect { get; init; }

    /// <summary>Gets the sampling temperature, 0 to 2.</summary>
    public double? Temperature { get; init; }

    /// <summary>Gets the maximum number of tokens of an answer.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Gets the maximum number of requests per minute of the deployment.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Gets the maximum number of tokens per minute of the deployment.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>Gets the aliases to try, in order, when this model fails for good.</summary>
    public IReadOnlyList<string> Fallback { get; init; } = [];
}

/// <summary>An agent: a model with instructions.</summary>
public sealed record AgentDefinition
{
    /// <summary>The maximum number of tool calls of one answer: as many as the API of OpenAI takes tools.</summary>
    internal const int MostToolCalls = 128;

    /// <summary>The default of <see cref="Timeout"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The default of <see cref="MaxWait"/>: 1 minute.</summary>
    public static readonly TimeSpan DefaultMaxWait = TimeSpan.FromMinutes(1);

    /// <summary>The maximum length of a <see cref="Description"/>, in characters.</summary>
    public const int LongestDescription = 500;

    /// <summary>The default of <see cref="MaxToolRounds"/>.</summary>
    public const int DefaultMaxToolRounds = 8;

    /// <summary>Gets the name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the model alias.</summary>
    public required string Model { get; init; }

    /// <summary>Gets what the agent is for, in a sentence: members and managers of a team choose by it. At most <see cref="LongestDescription"/> characters.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the instructions, sent as the system message.</summary>
    public Template? Instructions { get; init; }

    /// <summary>Gets the schema of the answer; <see langword="null"/> for plain text.</summary>
    public JsonSchema? Output { get; init; }

    /// <summary>Gets the names of the tools it may call.</summary>
    public IReadOnlyList<string> Tools { get; init; } = [];

    /// <summary>Gets what is said of the calls of <see cref="Tools"/>, by name; nothing of most.</summary>
    public IReadOnlyDictionary<string, ToolRules> ToolRules { get; init; } = new Dictionary<string, ToolRules>();

    /// <summary>Gets the maximum number of rounds of tool calls of an activation: 1 to 100, default 8.</summary>
    public int MaxToolRounds { get; init; } = DefaultMaxToolRounds;

    /// <summary>Gets the time limit of one model call; default 30 seconds.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>Gets the retry policy of its calls; a node may override it.</summary>
    public RetryDefinition? Retry { get; init; }

    /// <summary>
    /// Gets how long a call waits for its model, because the provider or a limit of the model requires it, before the next fallback is asked instead:
    /// 0 to 1 day, default 1 minute. Without a fallback it waits as long as necessary. A node may override it.
    /// </summary>
    public TimeSpan MaxWait { get; init; } = DefaultMaxWait;

    /// <summary>Gets what happens when an answer is cut off at the token limit; by default it is kept, with a warning. A node may override it.</summary>
    public TruncationPolicy OnTruncation { get; init; }

    /// <summary>
    /// Gets the filters that decide which earlier messages reach the model. <see langword="null"/>: the latest of every node upstream of the one it runs in;
    /// empty: none; otherwise exactly the messages that pass a filter.
    /// </summary>
    public IReadOnlyList<MessageFilter>? Context { get; init; }
}

/// <summary>What happens when an answer is cut off at the token limit (finish reason <c>length</c>).</summary>
public enum TruncationPolicy
{
    /// <summary>It is used, and marked: outcome, status and terminal say so.</summary>
    Keep,

    /// <summary>The call has failed for good (<c>truncated</c>): a fallback is asked, else the node's <c>onError</c> decides.</summary>
    Fail,
}

/// <summary>Selects some of the earlier messages.</summary>
public sealed record MessageFilter
{
    /// <summary>What <see cref="From"/> says for the conversation of the source, in a workflow that handles messages.</summary>
    public const string Conversation = "conversation";

    /// <summary>Gets the node or agent whose messages are meant, or <see cref="Conversation"/>; <see langword="null"/> for all upstream.</summary>
    public string? From { get; init; }

    /// <summary>Gets how many of the first messages pass; all if neither this nor <see cref="Last"/> is given.</summary>
    public int? First { get; init; }

    /// <summary>Gets how many of the last messages pass.</summary>
    public int? Last { get; init; }

    /// <summary>Gets the role wanted: <c>user</c> (people's answers and inputs), <c>assistant</c> (agents) or <c>tool</c>; <see langword="null"/> for all.</summary>
    public string? Role { get; init; }
}

/// <summary>When and how often to retry.</summary>
public sealed record RetryDefinition
{
    /// <summary>Gets the maximum number of attempts: 1 to 100, default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Gets the wait before the second attempt; default 2 seconds.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Gets the factor by which the wait grows with each attempt: 1 to 10, default 2.</summary>
    public double Backoff { get; init; } = 2;

    /// <summary>Gets the longest wait; default 1 minute. A provider's Retry-After may be longer and is respected.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMinutes(1);
}
