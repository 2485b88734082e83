using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Nodes.Humans;
using Polyphony.Core.Nodes.Publishing;
using Polyphony.Core.Nodes.SubWorkflows;
using Polyphony.Core.Nodes.Tools;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.CodeFirst;

/// <summary>
/// The API of a workflow written in C#. Calls behave like the nodes of a workflow file: retry policies, timeouts, fallback models, repair of
/// answers, rounds of tools, the ledger, and at most <see cref="WorkflowLimits.MaxConcurrency"/> calls under way. Await them in any order,
/// one after the other or with <see cref="Task.WhenAll(IEnumerable{Task})"/>. Everything asynchronous must come from here or from <see cref="Durable"/>.
/// </summary>
public sealed class CodeWorkflow
{
    /// <summary>The maximum size of a value, in bytes of JSON, that <see cref="ReadAsync"/> and the typed calls return: 40 KB. Such a value is kept in the history.</summary>
    public const int MaxReadBytes = 40 * 1024;

    private static readonly Template Empty = Template.TryParse("", out var template, out _) ? template : throw new InvalidOperationException();

    private readonly ActivationContext _context;
    private readonly Activation _activation;
    private readonly InnerCalls _inner;
    private readonly CodeContext _durable;
    private readonly Dictionary<string, int> _rounds = new(StringComparer.Ordinal);
    private readonly List<TaskCompletionSource> _idle = [];
    private LockHold? _locks;
    private int _underWay;

    internal CodeWorkflow(ActivationContext context, Activation activation, Payload input)
    {
        _context = context;
        _activation = activation;
        Input = input;
        _durable = new CodeContext(context.Durable);
        _inner = new InnerCalls(context, activation);
    }

    /// <summary>Gets the durable context: time, ids, timers, events, child orchestrations, entities. The custom status and continuing as new are reserved for the runner.</summary>
    public OrchestrationContext Durable => _durable;

    /// <summary>Gets the usage of the run so far.</summary>
    public Usage Usage => _context.Budget.Used;

    /// <summary>Gets the input, to be passed to a prompt as a variable.</summary>
    public Payload Input { get; }

    /// <summary>Asks an agent.</summary>
    /// <param name="agent">Its name.</param>
    /// <param name="prompt">The prompt: a template, over <paramref name="variables"/>.</param>
    /// <param name="variables">
    /// The values that the prompt reads, such as earlier answers: <c>{{ notes }}</c>. Large values stay in the payload store until the prompt is rendered.
    /// </param>
    /// <returns>The answer: a string, or JSON that fits the agent's schema. Above 4 KB it is a reference, to be passed on as a variable or read by <see cref="ReadAsync"/>.</returns>
    /// <exception cref="AgentFailedException">The agent failed for good, or a limit of the workflow is reached (its name is the code).</exception>
    public async Task<Payload> CallAgentAsync(string agent, string prompt, IReadOnlyDictionary<string, Payload>? variables = null)
    {
        RequireAgent(agent);
        return await RunAsync(
            new AgentNode { Name = agent, Agent = agent, Prompt = Empty },
            variables,
            activation => activation with { Prompt = Text(prompt) });
    }

    /// <summary>Asks an agent for a typed answer. The agent must have the type's schema: <see cref="AgentBuilder.Output{T}"/>.</summary>
    /// <typeparam name="T">The type, read with the web defaults of System.Text.Json.</typeparam>
    /// <param name="agent">Its name.</param>
    /// <param name="prompt">The prompt: a template, over <paramref name="variables"/>.</param>
    /// <param name="variables">The values that the prompt reads.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="AgentFailedException">As for <see cref="CallAgentAsync(string, string, IReadOnlyDictionary{string, Payload}?)"/>.</exception>
    /// <exception cref="PolyphonyException">The agent has no schema (<c>agent_untyped</c>); the answer does not fit the type (<c>value_type</c>), or is above <see cref="MaxReadBytes"/> (<c>value_too_large</c>).</exception>
    public async Task<T> CallAgentAsync<T>(string agent, string prompt, IReadOnlyDictionary<string, Payload>? variables = null)
    {
        if (RequireAgent(agent).Output is null && typeof(T) != typeof(string))
        {
            throw new PolyphonyException("agent_untyped", $"Agent \"{agent}\" answers with text: it has no schema. Give it that of the type: agent => agent.Output<{typeof(T).Name}>().");
        }

        return await ReadAsync<T>(await CallAgentAsync(agent, prompt, variables), $"answer of agent \"{agent}\"");
    }

    /// <summary>Calls a tool.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">Its arguments, an object.</param>
    /// <returns>What it returned; above 4 KB a reference.</returns>
    /// <exception cref="AgentFailedException">It failed for good.</exception>
    public Task<Payload> CallToolAsync(string tool, JsonElement arguments) =>
        RunAsync(new ToolNode { Name = tool, Tool = tool, Arguments = Constant(arguments) }, null, activation => activation with { Arguments = Payload.Inline(arguments) });

    /// <summary>Calls a tool with typed arguments and a typed result.</summary>
    /// <typeparam name="T">The type of the result, read with the web defaults of System.Text.Json.</typeparam>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">Its arguments, such as <c>new { path = "a.md" }</c>.</param>
    /// <returns>What it returned.</returns>
    /// <exception cref="AgentFailedException">It failed for good.</exception>
    /// <exception cref="PolyphonyException">The result does not fit the type (<c>value_type</c>), or is above <see cref="MaxReadBytes"/> (<c>value_too_large</c>).</exception>
    public async Task<T> CallToolAsync<T>(string tool, object arguments) =>
        await ReadAsync<T>(await CallToolAsync(tool, TypedJson.Write(arguments)), $"result of tool \"{tool}\"");

    /// <summary>Runs another workflow, from a file or in C#, as a child. It must be one of those named when this workflow was added, and is pinned when this run starts.</summary>
    /// <param name="workflow">Its name.</param>
    /// <param name="input">Its input.</param>
    /// <returns>Its output; above 4 KB a reference.</returns>
    /// <exception cref="AgentFailedException">It did not complete.</exception>
    public Task<Payload> CallWorkflowAsync(string workflow, Payload? input = null) =>
        RunAsync(new WorkflowNode { Name = workflow, Workflow = workflow }, null, activation => activation with { Arguments = input ?? Payload.Null });

    /// <summary>Runs another workflow with a typed input and a typed output.</summary>
    /// <typeparam name="T">The type of the output, read with the web defaults of System.Text.Json.</typeparam>
    /// <param name="workflow">Its name.</param>
    /// <param name="input">Its input.</param>
    /// <returns>Its output.</returns>
    /// <exception cref="AgentFailedException">It did not complete.</exception>
    /// <exception cref="PolyphonyException">The output does not fit the type (<c>value_type</c>), or is above <see cref="MaxReadBytes"/> (<c>value_too_large</c>).</exception>
    public async Task<T> CallWorkflowAsync<T>(string workflow, object? input = null) =>
        await ReadAsync<T>(await CallWorkflowAsync(workflow, Payload.Inline(TypedJson.Write(input))), $"output of workflow \"{workflow}\"");

    /// <summary>Asks a person. The question is listed among the approvals, like that of a <c>human</c> node of a file.</summary>
    /// <param name="name">A name for the question: letters, digits and <c>_</c>.</param>
    /// <param name="question">The question.</param>
    /// <param name="schema">What the answer must fit; <see langword="null"/> accepts anything.</param>
    /// <param name="timeout">How long to wait; <see langword="null"/> to wait forever.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="AgentFailedException">Nobody answered in time (<c>timeout</c>).</exception>
    public Task<Payload> AskAsync(string name, string question, JsonSchema? schema = null, TimeSpan? timeout = null) =>
        RunAsync(new HumanNode { Name = name, Prompt = Empty, Schema = schema, Timeout = timeout }, null, activation => activation with { Prompt = Text(question) });

    /// <summary>
    /// Waits for locks and holds them until the result is disposed of, or the run has ended, in whatever way: of all that hold a lock of one name, in whichever instance and on whichever host, one is at
    /// work at a time, in the order in which they asked. Several names are taken in ordinal order. A run holds locks of one call at a time: name all of them there.
    /// </summary>
    /// <param name="names">The names: 1 to 8, of 1 to 128 characters without control characters.</param>
    /// <returns>What holds them: <c>using var section = await workflow.LockAsync($"account-{id}");</c>.</returns>
    /// <exception cref="AgentFailedException">Too many wait (<c>lock_queue_full</c>), the run holds locks or waits for some, or one above it does (<c>lock_nested</c>), or a limit of the workflow is reached (its name is the code).</exception>
    /// <exception cref="ArgumentException">There is no name, more than 8, or one that is none.</exception>
    public async Task<CodeLock> LockAsync(params string[] names)
    {
        _durable.ThrowIfAbandoned();
        if (names.Length is < 1 or > LockNames.MaxNames)
        {
            throw new ArgumentException($"Expected 1 to {LockNames.MaxNames} names of locks, found {names.Length}.", nameof(names));
        }

        if (names.Select(LockNames.ProblemOf).FirstOrDefault(problem => problem is not null) is { } problem)
        {
            throw new ArgumentException($"{problem}.", nameof(names));
        }

        var round = _rounds["lock"] = _rounds.GetValueOrDefault("lock") + 1;
        var activation = _activation with { Scope = _activation.Scope with { Activation = Activation.Name("lock", null, round), Round = round }, Wait = null, Slot = null };
        if (_locks is not null)
        {
            throw new AgentFailedException(activation.Id, new CallError(
                ErrorCodes.LockNested, "This run holds locks, or waits for some: two such runs could wait for each other. Take all locks in one call.", ErrorKind.Terminal));
        }

        var locks = _context.Locks!;
        var hold = _locks = locks.Hold(activation, names.Distinct(StringComparer.Ordinal));
        _underWay++;
        try
        {
            if (await locks.TakeAsync(activation, hold, new InnerObserver(_context.Observer, _activation), _context.Stop.Limit) is { } ended)
            {
                Release(hold);
                throw new AgentFailedException(
                    activation.Id, ended.Error ?? new CallError(StopReasons.Name(_context.Stop.Reason ?? StopReason.Cancelled), "A limit of the workflow is reached.", ErrorKind.Terminal));
            }

            return new CodeLock(hold, Release);
        }
        finally
        {
            EndCall();
        }
    }

    private void Release(LockHold hold)
    {
        _locks = null;
        _context.Locks!.Release(hold);
    }

    /// <summary>
    /// Publishes a message to a topic, once: it is sent in the same step that records it, or, in a run that handles a message itself, in the step that acknowledges that message. Every subscriber gets it,
    /// or none does.
    /// </summary>
    /// <param name="topic">The topic type: 1 to 63 lower-case letters, digits and <c>-</c>.</param>
    /// <param name="source">The source, such as a ticket: 1 to 128 characters.</param>
    /// <param name="data">The data, written with the web defaults of System.Text.Json.</param>
    /// <param name="messageId">The message's id, 1 to 128 characters; by default one made of the instance and the call.</param>
    /// <returns>The message's id.</returns>
    /// <exception cref="AgentFailedException">Nobody subscribes to the topic (<c>no_subscriber</c>), its type, source or id is none (<c>topic_invalid</c>), or the data does not fit what a subscriber takes (<c>input_invalid</c>).</exception>
    public async Task<string> PublishAsync(string topic, string source, object? data, string? messageId = null)
    {
        _durable.ThrowIfAbandoned();
        var message = Payload.Inline(JsonElements.Object(writer =>
        {
            writer.WriteString("source", source);
            writer.WritePropertyName("data");
            TypedJson.Write(data).WriteTo(writer);
            if (messageId is not null)
            {
                writer.WriteString("messageId", messageId);
            }
        }));
        message = Payload.MayBeInline(message.Text) ? message : (await _context.Calls.StoreAllAsync([message]))[0];
        var receipt = await RunAsync(new PublishNode { Name = "publish", Topic = topic, Message = Constant(JsonElement.Parse("{}"u8)) }, null, activation => activation with { Arguments = message });
        return (await ReadAsync(receipt)).GetProperty("messageId").GetString()!;
    }

    /// <summary>Reads a value, from the payload store if necessary.</summary>
    /// <param name="payload">The value, or a reference to it.</param>
    /// <returns>The value.</returns>
    /// <exception cref="PolyphonyException">It is larger than <see cref="MaxReadBytes"/> (<c>value_too_large</c>): pass the reference on instead.</exception>
    public async Task<JsonElement> ReadAsync(Payload payload)
    {
        _durable.ThrowIfAbandoned();
        return payload.IsInline ? payload.Json!.Value : JsonElement.Parse(Encoding.UTF8.GetBytes(await _context.Calls.ReadTextAsync(payload)), JsonLimits.Document);
    }

    /// <summary>
    /// Writes to a value of the state, which the workflow's builder has named: <see cref="WorkflowBuilder.State"/>. It takes effect when the function has completed. What tools write counts in the order in
    /// which their calls were begun, and this after the calls that were begun before it.
    /// </summary>
    /// <typeparam name="T">The type, written with the web defaults of System.Text.Json.</typeparam>
    /// <param name="name">The value's name.</param>
    /// <param name="value">What is written, at most 4 KB of JSON.</param>
    /// <exception cref="PolyphonyException">There is no such value, or what is written does not fit it (<c>state_invalid</c>); it is too large (<c>value_too_large</c>).</exception>
    public void WriteState<T>(string name, T value)
    {
        _durable.ThrowIfAbandoned();
        var written = StateReducers.ToWriteOf(_context.Plan.Definition, name, TypedJson.Write(value), mayReplace: true);
        if (!Payload.MayBeInline(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(written)))
        {
            throw new PolyphonyException(ErrorCodes.ValueTooLarge, $"What is written to state \"{name}\" takes more than {Payload.InlineLimitBytes:N0} bytes of JSON. Let a tool write it.");
        }

        _inner.Write(StateChange.Of(_context.Plan.Definition, [(name, Payload.Inline(written))]));
    }

    /// <summary>Gets what the function and its calls have written to the state.</summary>
    internal StateChange Written => _inner.Written;

    /// <summary>Accepts no further calls: the run has stopped and does not wait for this function.</summary>
    internal void Abandon() => _durable.Abandon();

    /// <summary>Waits until no calls are under way.</summary>
    internal async Task WaitForCallsAsync()
    {
        while (_underWay > 0)
        {
            var idle = new TaskCompletionSource();
            _idle.Add(idle);
            await idle.Task;
        }
    }

    private async Task<T> ReadAsync<T>(Payload payload, string what) => TypedJson.Read<T>(await ReadAsync(payload), what);

    private AgentDefinition RequireAgent(string agent) =>
        _context.Plan.Definition.Agents.GetValueOrDefault(agent)
        ?? throw new PolyphonyException("agent_not_found", $"There is no agent \"{agent}\". Known: {string.Join(", ", _context.Plan.Definition.Agents.Keys)}.");

    private async Task<Payload> RunAsync(NodeDefinition node, IReadOnlyDictionary<string, Payload>? variables, Func<Activation, Activation> with)
    {
        _durable.ThrowIfAbandoned();
        var round = _rounds[node.Name] = _rounds.GetValueOrDefault(node.Name) + 1;
        var activation = with(new Activation
        {
            Node = node,
            Order = _activation.Order,
            HoldsLock = _locks is not null,
            Scope = _activation.Scope with
            {
                Node = node.Name,
                Activation = Activation.Name(node.Name, null, round),
                Round = round,
                Input = null,
                Nodes = null,
                Variables = variables,
            },
        });
        _underWay++;
        try
        {
            return (await _inner.RunAsync(activation)).Outcome switch
            {
                { Status: NodeResult.Completed, Result: { } result } => result,
                { Error: { } error } => throw new AgentFailedException(activation.Id, error),
                _ => throw new AgentFailedException(
                    activation.Id, new CallError(StopReasons.Name(_context.Stop.Reason ?? StopReason.Cancelled), "A limit of the workflow is reached.", ErrorKind.Terminal)),
            };
        }
        finally
        {
            EndCall();
        }
    }

    private void EndCall()
    {
        if (--_underWay > 0)
        {
            return;
        }

        var waiting = _idle.ToList();
        _idle.Clear();
        waiting.ForEach(idle => idle.SetResult());
    }

    private static ValueTemplate Constant(JsonElement json) =>
        ValueTemplate.TryParse(json, out var template, out var problems) ? template : throw new ExpressionException(json.GetRawText(), problems[0].Problem);

    private static Payload Text(string text) => Payload.Inline(JsonSerializer.SerializeToElement(text, CoreJsonContext.Default.String));
}
