using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Asks an agent.</summary>
internal sealed class AgentNodeRunner(ActivationContext context, RetryDelays delays, ToolCaller caller) : INodeRunner
{
    public Task<WorkResult> RunAsync(Activation activation, WorkLimit limit) => RunAsync(activation, ((AgentNode)activation.Node).Agent, 1, limit);

    /// <summary>
    /// Runs an agent: its model, then that model's fallbacks, when a model has failed for good or lets the call wait for longer than <c>maxWait</c>. When none of the others has
    /// answered, those that asked for patience get it, the one that is ready first before the others. With each model, calls follow one another until there is an answer: failed calls
    /// are tried again by the retry policy, an answer that does not fit its schema is repaired once, requests for tools are served and the
    /// results handed back. Another model goes on with the tool calls that were made: they are not made again.
    /// </summary>
    public async Task<WorkResult> RunAsync(Activation activation, string agentName, int firstCall, WorkLimit limit)
    {
        var agent = context.Plan.Definition.Agents[agentName];
        agent = activation.Node.Kind.Adjust(agent, activation.Node);
        var total = new WorkResult { Agent = agentName, NextCall = firstCall };
        var models = ModelsOf(agent);
        var tools = new ToolRounds(context.Calls);
        var postponed = new List<(string Model, CallWait Wait)>();
        for (var i = 0; i < models.Count; i++)
        {
            // What follows on an alias of the host comes with the first result.
            bool? othersFollow = i < models.Count - 1 || postponed.Count > 0 ? true : i > 0 ? false : null;
            var result = await AskAsync(models[i], othersFollow);
            tools.Hand();
            if (i == 0 && result.Fallback.Count > 0)
            {
                models = [.. models, .. result.Fallback];
            }

            total = Add(total, result);
            if (IsOver(total))
            {
                return total;
            }

            if (result.Postponed is { } wait)
            {
                postponed.Add((models[i], wait));
            }
        }

        foreach (var (model, wait) in postponed.OrderBy(each => each.Wait.Until))
        {
            if (!await delays.WaitAsync(activation, wait, total.Error, limit.Ending))
            {
                return total with { IsStopped = true };
            }

            total = Add(total, await AskAsync(model, othersFollow: false));
            tools.Hand();
            if (IsOver(total))
            {
                break;
            }
        }

        return total;

        Task<WorkResult> AskAsync(string model, bool? othersFollow) =>
            new ModelConversation(context, delays, activation, agent, model, othersFollow, limit, total.NextCall, tools, caller).RunAsync();

        WorkResult Add(WorkResult before, WorkResult result) =>
            result with { Attempts = result.Attempts + before.Attempts, Usage = result.Usage + before.Usage, Agent = agentName, Written = tools.Written };

        bool IsOver(WorkResult result) => (result.Error is null && result.Postponed is null) || result.IsStopped || result.IsFatal || limit.Ending.IsCancellationRequested;
    }

    private IReadOnlyList<string> ModelsOf(AgentDefinition agent) =>
        context.Plan.Definition.Models.TryGetValue(agent.Model, out var model) ? [agent.Model, .. model.Fallback] : [agent.Model];
}
