using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>Continuing as new.</content>
internal sealed partial class WorkflowInstance
{
    /// <summary>Above this the results' values go to the payload store, so that the state fits one history event.</summary>
    private const int MaxStateBytes = 24 * 1024;

    private bool _continueAsNew;

    /// <summary>
    /// Gets a value indicating whether nothing is launched because the generation should end. Not while something is under way that may take long: others would
    /// wait for it.
    /// </summary>
    private bool IsDraining => IsGenerationFull && !_underWay.Any(MayTakeLong);

    /// <summary>
    /// Gets a value indicating whether this generation has done its share. It must have brought something to an end: many waits that are only taken up again would fill
    /// one generation after another.
    /// </summary>
    private bool IsGenerationFull => _calls.Operations >= _options.OperationsPerGeneration && _hasApplied;

    private bool MayTakeLong(int node) => !_waits.ContainsKey(ActivationOf(node))
        && (_delays.ContainsKey(node)
            || Graph.Nodes[node] is WorkflowNode
            || (Graph.Nodes[node].ForEach is not null && (Graph.Nodes[node] is HumanNode or WaitNode || (_progress[node].Items ?? 0) > _options.MaxDirectItems)));

    private string ActivationOf(int node) => Activation.Name(Graph.Nodes[node].Name, null, _graph.Nodes[node].Round);

    private async Task<bool> TryContinueAsNewAsync()
    {
        if (!IsQuiet())
        {
            return false;
        }

        await SettleHousekeepingAsync();
        await StoreLargeResultsAsync();

        // What came while that was going on is dealt with first.
        if (_ended.Count > 0 || !IsQuiet())
        {
            return false;
        }

        var state = Save();
        var next = Write(_run with { State = state, PackedState = null });
        if (!Fits(next))
        {
            if (await MoveOutcomesAsync())
            {
                return await TryContinueAsNewAsync();
            }

            var packed = PackedState.Create(state);
            next = Write(_run with { State = null, PackedState = packed });
            if (!Fits(next))
            {
                packed = await packed.StoreAsync(_calls);
                if (_ended.Count > 0 || !IsQuiet())
                {
                    return false;
                }

                next = Write(_run with { State = null, PackedState = packed });
            }
        }

        _context.ContinueAsNew(next);
        _continueAsNew = true;
        return true;

        static string Write(WorkflowRun run) => JsonSerializer.Serialize(run, CoreJsonContext.Default.WorkflowRun);

        bool Fits(string input) => Encoding.UTF8.GetByteCount(input) <= _options.MaxGenerationBytes;

        bool IsQuiet() => IsGenerationFull
            && !_stop.IsRequested
            && _fatal is null
            && _underWay.All(node => _waits.ContainsKey(ActivationOf(node)))
            && _lingering.TrueForAll(task => task.IsCompleted);
    }

    /// <summary>Moves outcomes in place to the payload store, when a large graph or the many parts of a <c>forEach</c> leave no room for them in the state.</summary>
    /// <returns>Whether there were any.</returns>
    private async Task<bool> MoveOutcomesAsync()
    {
        if (_outcomes.Count > 0)
        {
            await StoreOutcomesAsync();
            return true;
        }

        if (_outcomeLists.Count(list => list.IsInline) > 1)
        {
            await JoinOutcomeListsAsync();
            return true;
        }

        return false;
    }

    /// <summary>Moves results in place to the payload store when they are too many for the state.</summary>
    private async Task StoreLargeResultsAsync()
    {
        var held = new Dictionary<NodeResult, NodeResult>(ReferenceEqualityComparer.Instance);
        void Hold(NodeResult? result)
        {
            if (result is not null)
            {
                held[result] = result;
                result.Earlier.ForEach(Hold);
            }
        }

        foreach (var result in _results.Concat(_snapshots.SelectMany((snapshot, loop) => Graph.Loops[loop].Body.Select(node => snapshot[node]))).Concat(_uncounted.Values.Select(pair => pair.Result)))
        {
            Hold(result);
        }

        var inline = held.Keys.Where(result => result.Output is { IsInline: true } && RunCalls.SizeOf(result.Output) > 64).ToList();
        if (inline.Sum(result => RunCalls.SizeOf(result.Output)) <= MaxStateBytes / 2)
        {
            return;
        }

        var stored = await _calls.StoreAllAsync([.. inline.Select(result => result.Output!)]);
        for (var i = 0; i < inline.Count; i++)
        {
            held[inline[i]] = inline[i] with { Output = stored[i] };
        }

        NodeResult? Moved(NodeResult? result) => result is null || !held.TryGetValue(result, out var moved)
            ? result
            : moved.Earlier.IsEmpty ? moved : moved with { Earlier = [.. moved.Earlier.Select(earlier => Moved(earlier)!)] };

        _results = MoveAll(_results);
        _snapshots = [.. _snapshots.Select(MoveAll)];
        foreach (var (order, (node, result)) in _uncounted.ToList())
        {
            _uncounted[order] = (node, Moved(result)!);
        }

        ChunkedArray<NodeResult?> MoveAll(ChunkedArray<NodeResult?> results) => ChunkedArray.Create<NodeResult?>([.. results.Select(Moved)]);
    }

    private RunState Save()
    {
        var stored = new List<PayloadReference>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var inLoop = Enumerable.Range(0, Graph.Nodes.Length).Where(node => Graph.InnermostLoop[node] >= 0).ToList();

        // Nodes that wait begin again and find their deadlines in Waits.
        var nodes = _graph.Nodes.Select(node => node.Phase == NodePhase.Running ? node with { Phase = NodePhase.Ready } : node).ToList();
        return new RunState
        {
            StartedTime = _startedTime,
            TurnsStarted = _budget.TurnsStarted,
            Usage = _budget.Used,
            Failures = _failures,
            Phases = string.Concat(nodes.Select(node => (char)('0' + (int)node.Phase))),
            Edges = string.Concat(_graph.Edges.Select(edge => (char)('0' + (int)edge))),
            Rounds = Dictionary(Enumerable.Range(0, nodes.Count).Where(node => nodes[node].Round != ImpliedRound(nodes[node].Phase)), node => nodes[node].Round),
            Digests = Dictionary(inLoop.Where(node => nodes[node].Digest != 0), node => nodes[node].Digest),
            Loops = _graph.Loops.IsEmpty ? null : [.. _graph.Loops],
            Results = [.. Enumerable.Range(0, Graph.Nodes.Length).Where(node => _results[node] is not null).Select(node => SaveResult(node, _results[node]!))],
            Snapshots = Dictionary(
                Enumerable.Range(0, Graph.Loops.Length).Where(loop => Graph.Loops[loop].Body.Any(node => _snapshots[loop][node] is not null)),
                loop => (IReadOnlyList<SavedResult>)[.. Graph.Loops[loop].Body.Where(node => _snapshots[loop][node] is not null).Select(node => SaveResult(node, _snapshots[loop][node]!))]),
            Waits = _waits.Count == 0 ? null : new Dictionary<string, WaitState>(_waits, StringComparer.Ordinal),
            OutcomeLists = _outcomeLists.Count == 0 ? null : [.. _outcomeLists],
            Outcomes = _outcomes.Count == 0 ? null : JsonElement.Parse(Packing.Write(_outcomes)),
            Progress = Graph.Nodes.Length <= MaxShownNodes ? _progress.Nodes : null,
            Termination = _plan.Definition.Termination is null
                ? null
                : new TerminationState(_countedMessages, _countedTokens, [.. _met.Order()], [.. _uncounted.Values.Select(pair => SaveResult(pair.Node, pair.Result))]),
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
                Order = Graph.InnermostLoop[node] < 0 ? null : result.Order,
                Agent = result.Agent == (Graph.Nodes[node] as AgentNode)?.Agent ? null : result.Agent,
                Tokens = result.Tokens,
                Earlier = result.Earlier.IsEmpty ? null : [.. result.Earlier.Select(earlier => SaveResult(node, earlier))],
            };
        }
    }

    private void Restore(RunState state)
    {
        _startedTime = state.StartedTime;
        _budget.Restore(state.TurnsStarted, state.Usage);
        _failures = state.Failures;
        var nodes = state.Phases.Select((digit, node) =>
        {
            var phase = (NodePhase)(digit - '0');
            return new NodeState(phase, state.Rounds?.GetValueOrDefault(node, ImpliedRound(phase)) ?? ImpliedRound(phase), state.Digests?.GetValueOrDefault(node) ?? 0);
        });
        _graph = GraphState.Restore(
            Graph,
            nodes.ToArray(),
            state.Edges.Select(digit => (EdgePhase)(digit - '0')).ToArray(),
            state.Loops is { } loops ? [.. loops] : []);
        _results = RestoreResults(state.Results);
        _snapshots = [.. Enumerable.Range(0, Graph.Loops.Length).Select(loop => RestoreResults(state.Snapshots?.GetValueOrDefault(loop)))];
        foreach (var (activation, wait) in state.Waits ?? new Dictionary<string, WaitState>())
        {
            _carriedWaits[activation] = wait;
        }

        _outcomeLists.AddRange(state.OutcomeLists ?? []);
        foreach (var outcome in state.Outcomes is { } outcomes ? outcomes.EnumerateArray() : default)
        {
            _outcomes.Add(JsonMarshal.GetRawUtf8Value(outcome).ToArray());
            _outcomeBytes += SizeOf(outcome.TryGetProperty("result", out var result) ? result.Deserialize(CoreJsonContext.Default.Payload) : null);
        }

        for (var node = 0; node < Graph.Nodes.Length; node++)
        {
            _progress[node] = state.Progress is { } progress
                ? progress[node]
                : _progress[node] with { Status = _graph.Nodes[node].Phase == NodePhase.Skipped ? NodeResult.Skipped : _graph.Nodes[node].HasEnded ? NodeResult.Completed : "pending" };
        }

        if (state.Termination is { } termination)
        {
            _countedMessages = termination.Messages;
            _countedTokens = termination.Tokens;
            _met.UnionWith(termination.Met);
            foreach (var pending in termination.Pending)
            {
                var result = RestoreResult(pending);
                _uncounted[result.Order] = (pending.Node, result);
            }
        }

        ChunkedArray<NodeResult?> RestoreResults(IReadOnlyList<SavedResult>? saved)
        {
            var results = new NodeResult?[Graph.Nodes.Length];
            foreach (var each in saved ?? [])
            {
                results[each.Node] = RestoreResult(each);
            }

            return ChunkedArray.Create<NodeResult?>(results);
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
            Order = saved.Order ?? OrderOf(saved.Node),
            Role = saved.Status is null ? RoleOf(Graph.Nodes[saved.Node]) : null,
            Agent = saved.Agent ?? (Graph.Nodes[saved.Node] as AgentNode)?.Agent,
            Tokens = saved.Tokens,
            Earlier = saved.Earlier is null ? [] : [.. saved.Earlier.Select(RestoreResult)],
        };
    }

    /// <summary>A node has had no round before it is ready, and one afterwards, unless it is in a loop or was skipped.</summary>
    private static int ImpliedRound(NodePhase phase) => phase is NodePhase.Pending or NodePhase.Skipped ? 0 : 1;

    private static Dictionary<int, T>? Dictionary<T>(IEnumerable<int> keys, Func<int, T> value)
    {
        var dictionary = keys.ToDictionary(key => key, value);
        return dictionary.Count == 0 ? null : dictionary;
    }
}
