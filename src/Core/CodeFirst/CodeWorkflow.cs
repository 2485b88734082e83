using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Nodes.Humans;
using Polyphony.Core.Nodes.Tools;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.CodeFirst;

/// <summary>
/// What a workflow written in C# works with. Calls behave as the nodes of a workflow file do: retry policies, timeouts, fallback models, repair of
/// answers, rounds of tools, the ledger, and at most <see cref="WorkflowLimits.MaxConcurrency"/> calls under way. Await them in any order,
/// one after the other or with <see cref="Task.WhenAll(IEnumerable{Task})"/>.
/// </summary>
public sealed class CodeWorkflow : IRunObserver
{
    private static readonly Template Empty = Template.TryParse("", out var template, out _) ? template : throw new InvalidOperationException();

    private readonly WorkflowPlan _plan;
    private readonly RunCalls _calls;
    private readonly RunBudget _budget;
    private readonly RunStop _stop = new();
    private readonly SlotGate _slots;
    private readonly ActivationRunner _runner;
    private readonly Dictionary<string, int> _rounds = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, PendingWait> _waits = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, NodeProgress> _delays = new(StringComparer.Ordinal);

    internal CodeWorkflow(OrchestrationContext context, WorkflowPlan plan)
    {
        Durable = context;
        _plan = plan;
        var limits = plan.Definition.Limits;
        _calls = new RunCalls(context, plan.Definition, context.InstanceId);
        _budget = new RunBudget(new RunLimits(limits.MaxConcurrency, limits.MaxTurns, limits.MaxTokens, limits.MaxCostUsd));
        _slots = new SlotGate(limits.MaxConcurrency);
        _runner = new ActivationRunner(new ActivationContext(_calls, plan, _budget, _stop, this, SubWorkflows: null, Rewinds: 0));
    }

    /// <summary>Gets the durable context: time, ids, timers, events, child orchestrations, entities.</summary>
    public OrchestrationContext Durable { get; }

    /// <summary>Gets what was used so far.</summary>
    public Usage Usage => _budget.Used;

    /// <summary>Asks an agent.</summary>
    /// <param name="agent">Its name.</param>
    /// <param name="prompt">The prompt: a template, over <paramref name="variables"/>.</param>
    /// <param name="variables">
    /// The values that the prompt reads, such as earlier answers: <c>{{ notes }}</c>. Large ones stay in the payload store until the prompt is rendered.
    /// </param>
    /// <returns>The answer: a text, or JSON that fits the agent's schema. Above 4 KB a reference, to be passed on as a variable.</returns>
    /// <exception cref="AgentFailedException">The agent failed for good, or a limit of the workflow is reached (its name is the code).</exception>
    public async Task<Payload> CallAgentAsync(string agent, string prompt, IReadOnlyDictionary<string, Payload>? variables = null)
    {
        if (!_plan.Definition.Agents.ContainsKey(agent))
        {
            throw new PolyphonyException("agent_not_found", $"There is no agent \"{agent}\". Known: {string.Join(", ", _plan.Definition.Agents.Keys)}.");
        }

        return await RunAsync(
            new AgentNode { Name = agent, Agent = agent, Prompt = Empty },
            variables,
            activation => activation with { Prompt = Text(prompt) });
    }

    /// <summary>Calls a tool.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">Its arguments, an object.</param>
    /// <returns>What it returned; above 4 KB a reference.</returns>
    /// <exception cref="AgentFailedException">It failed for good.</exception>
    public Task<Payload> CallToolAsync(string tool, JsonElement arguments) =>
        RunAsync(new ToolNode { Name = tool, Tool = tool, Arguments = Constant(arguments) }, null, activation => activation with { Arguments = Payload.Inline(arguments) });

    /// <summary>Asks a person; shown among the approvals like a <c>human</c> node of a file.</summary>
    /// <param name="name">A name for the question: letters, digits and <c>_</c>.</param>
    /// <param name="question">The question.</param>
    /// <param name="schema">What the answer must fit; <see langword="null"/> accepts anything.</param>
    /// <param name="timeout">How long to wait; <see langword="null"/> for ever.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="AgentFailedException">Nobody answered in time (<c>timeout</c>).</exception>
    public Task<Payload> AskAsync(string name, string question, JsonSchema? schema = null, TimeSpan? timeout = null) =>
        RunAsync(new HumanNode { Name = name, Prompt = Empty, Schema = schema, Timeout = timeout }, null, activation => activation with { Prompt = Text(question) });

    void IRunObserver.OnAttempt(Activation activation) => Publish();

    void IRunObserver.OnDelayed(Activation activation, CallWait wait, CallError? error)
    {
        _delays[activation.Id] = new NodeProgress
        {
            Node = activation.Id,
            Status = error is null ? "waiting" : "retrying",
            Error = error?.Code,
            WaitingUntil = wait.Until,
            WaitReason = wait.Reason,
            WaitMessage = wait.Message,
        };
        Publish();
    }

    void IRunObserver.OnDelayEnded(Activation activation) => _delays.Remove(activation.Id);

    void IRunObserver.OnWaiting(Activation activation, PendingWait wait, WaitState state)
    {
        _waits[activation.Id] = wait;
        Publish();
    }

    void IRunObserver.OnWaited(Activation activation)
    {
        _waits.Remove(activation.Id);
        Publish();
    }

    private async Task<Payload> RunAsync(NodeDefinition node, IReadOnlyDictionary<string, Payload>? variables, Func<Activation, Activation> with)
    {
        var round = _rounds[node.Name] = _rounds.GetValueOrDefault(node.Name) + 1;
        var activation = with(new Activation
        {
            Node = node,
            Order = "",
            Scope = new CallScope
            {
                DefinitionHash = _plan.Definition.Hash,
                RootInstanceId = Durable.InstanceId,
                InstanceId = Durable.InstanceId,
                Node = node.Name,
                Activation = Activation.Name(node.Name, null, round),
                Round = round,
                Variables = variables,
            },
        });
        var slots = !node.Kind.TakesSlot ? 0 : await _slots.AcquireAsync();
        try
        {
            var end = await _runner.RunAsync(activation);
            return end.Outcome switch
            {
                { Status: NodeResult.Completed, Result: { } result } => result,
                { Error: { } error } => throw new AgentFailedException(activation.Id, error),
                _ => throw new AgentFailedException(
                    activation.Id, new CallError(StopReasons.Name(_stop.Reason ?? StopReason.Cancelled), "A limit of the workflow is reached.", ErrorKind.Terminal)),
            };
        }
        finally
        {
            if (slots > 0)
            {
                _slots.Release(slots);
            }

            Publish();
        }
    }

    private void Publish() => Durable.SetCustomStatus(ProgressWriter.WriteShort(
        new WorkflowProgress { Nodes = [.. _delays.Values.Take(8)], WaitingFor = [.. _waits.Values.Take(PendingWait.MostShown)], MoreWaiting = Math.Max(0, _waits.Count - PendingWait.MostShown), Usage = _budget.Used }, DurableLimits.MaxCustomStatusBytes));

    private static ValueTemplate Constant(JsonElement json) =>
        ValueTemplate.TryParse(json, out var template, out var problems) ? template : throw new ExpressionException(json.GetRawText(), problems[0].Problem);

    private static Payload Text(string text) => Payload.Inline(JsonSerializer.SerializeToElement(text, CoreJsonContext.Default.String));
}
