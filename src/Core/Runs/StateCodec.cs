using System.Text.Json;
using Polyphony.Core.Graph;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Writes the state of a run for its next generation, and takes it up there.</summary>
internal sealed class StateCodec(
    RunContext run, NodeSchedule schedule, ResultStore results, OutcomeLog outcomes, WaitStates waits, ProgressReporter progress, TerminationMonitor termination, SharedState shared)
{
    public RunState Save()
    {
        var stored = new List<PayloadReference>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var inLoop = Enumerable.Range(0, run.Graph.Nodes.Length).Where(node => run.Graph.InnermostLoop[node] >= 0).ToList();

        // Nodes that wait begin again and find their deadlines in Waits.
        var nodes = schedule.State.Nodes.Select(node => node.Phase == NodePhase.Running ? node with { Phase = NodePhase.Ready } : node).ToList();
        return new RunState
        {
            StartedTime = run.StartedTime,
            CallsStarted = run.Budget.CallsStarted,
            Usage = run.Budget.Used,
            Failures = run.Failures,
            Phases = string.Concat(nodes.Select(node => (char)('0' + (int)node.Phase))),
            Edges = string.Concat(schedule.State.Edges.Select(edge => (char)('0' + (int)edge))),
            Rounds = Dictionary(Enumerable.Range(0, nodes.Count).Where(node => nodes[node].Round != ImpliedRound(nodes[node].Phase)), node => nodes[node].Round),
            Digests = Dictionary(inLoop.Where(node => nodes[node].Digest != 0), node => nodes[node].Digest),
            Loops = schedule.State.Loops.IsEmpty ? null : [.. schedule.State.Loops],
            Results = [.. Enumerable.Range(0, run.Graph.Nodes.Length).Where(node => results.Current[node] is not null).Select(node => SaveResult(node, results.Current[node]!))],
            Snapshots = Dictionary(
                Enumerable.Range(0, run.Graph.Loops.Length).Where(loop => results.LastRound(loop).Any()),
                loop => (IReadOnlyList<SavedResult>)[.. results.LastRound(loop).Select(pair => SaveResult(pair.Node, pair.Result))]),
            Waits = waits.Open.Count == 0 ? null : new Dictionary<string, WaitState>(waits.Open, StringComparer.Ordinal),
            OutcomeLists = outcomes.Lists.Count == 0 ? null : [.. outcomes.Lists],
            Outcomes = outcomes.Pending.Count == 0 ? null : JsonElement.Parse(Packing.Write(outcomes.Pending), JsonLimits.Document),
            Progress = progress.Saved,
            Termination = termination.Save(SaveResult),
            State = shared.Save(),
            Published = run.Publications.Held,
            Stored = stored.Count == 0 ? null : stored,
        };

        SavedResult SaveResult(int node, NodeResult result)
        {
            int? place = null;
            if (result.Output?.Reference is { } reference && !places.TryGetValue(reference.Hash, out var known))
            {
                place = known = stored.Count;
                places.Add(reference.Hash, known);
                stored.Add(reference);
            }
            else if (result.Output?.Reference is { } again)
            {
                place = places[again.Hash];
            }

            return new SavedResult
            {
                Node = node,
                Status = result.Status == NodeResult.Completed ? null : result.Status,
                Value = result.Output is { IsInline: true } ? result.Output : null,
                Stored = place,
                Pointer = result.Output?.Pointer,
                Error = result.Error,
                Errors = result.Errors,
                Order = run.Graph.InnermostLoop[node] < 0 ? null : result.Order,
                Agent = result.Agent == AgentOf(node) ? null : result.Agent,
                Tokens = result.Tokens,
                Earlier = result.Earlier.IsEmpty ? null : [.. result.Earlier.Select(earlier => SaveResult(node, earlier))],
            };
        }
    }

    public void Restore(RunState state)
    {
        run.StartedTime = state.StartedTime;
        run.Budget.Restore(state.CallsStarted, state.Usage);
        run.Failures = state.Failures;
        var nodes = state.Phases.Select((digit, node) =>
        {
            var phase = (NodePhase)(digit - '0');
            return new NodeState(phase, state.Rounds?.GetValueOrDefault(node, ImpliedRound(phase)) ?? ImpliedRound(phase), state.Digests?.GetValueOrDefault(node) ?? 0);
        });
        schedule.Restore(GraphState.Restore(
            run.Graph,
            nodes.ToArray(),
            state.Edges.Select(digit => (EdgePhase)(digit - '0')).ToArray(),
            state.Loops is { } loops ? [.. loops] : []));
        results.Restore(
            RestoreResults(state.Results),
            Enumerable.Range(0, run.Graph.Loops.Length).Select(loop => RestoreResults(state.Snapshots?.GetValueOrDefault(loop))));
        foreach (var (activation, wait) in state.Waits ?? new Dictionary<string, WaitState>())
        {
            waits.Carry(activation, wait);
        }

        shared.Restore(state.State);
        outcomes.Restore(state.OutcomeLists ?? [], state.Outcomes);
        progress.Restore(state.Progress);
        run.Publications.Restore(state.Published);
        if (state.Termination is { } counted)
        {
            termination.Restore(counted, RestoreResult);
        }

        NodeResult?[] RestoreResults(IReadOnlyList<SavedResult>? saved)
        {
            var restored = new NodeResult?[run.Graph.Nodes.Length];
            foreach (var each in saved ?? [])
            {
                restored[each.Node] = RestoreResult(each);
            }

            return restored;
        }

        NodeResult RestoreResult(SavedResult saved) => new()
        {
            Status = saved.Status ?? NodeResult.Completed,
            Output = saved.Stored is { } place
                ? new Payload { Reference = state.Stored![place], Pointer = saved.Pointer }
                : saved.Value is { } value ? value
                : saved.Status is null ? Payload.Null : null,
            Error = saved.Error,
            Errors = saved.Errors,
            Order = saved.Order ?? schedule.OrderOf(saved.Node),
            Role = saved.Status is null ? run.Graph.Nodes[saved.Node].Kind.RoleOf(run.Graph.Nodes[saved.Node]) : null,
            Agent = saved.Agent ?? AgentOf(saved.Node),
            Tokens = saved.Tokens,
            Earlier = saved.Earlier is null ? [] : [.. saved.Earlier.Select(RestoreResult)],
        };
    }

    private string? AgentOf(int node) => run.Graph.Nodes[node].Kind.AgentOf(run.Graph.Nodes[node]);

    /// <summary>A node has had no round before it is ready, and one afterwards, unless it is in a loop or was skipped.</summary>
    private static int ImpliedRound(NodePhase phase) => phase is NodePhase.Pending or NodePhase.Skipped ? 0 : 1;

    private static Dictionary<int, T>? Dictionary<T>(IEnumerable<int> keys, Func<int, T> value)
    {
        var dictionary = keys.ToDictionary(key => key, value);
        return dictionary.Count == 0 ? null : dictionary;
    }
}
