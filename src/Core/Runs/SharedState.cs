using Polyphony.Core.Graph;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>
/// The state that the nodes of a run write together. A node reads what those have written that precede it in the graph, in the order of the graph; what runs beside it is not there for it,
/// however early it ends. So neither what a node reads nor what is left at the end depends on timing.
/// </summary>
/// <remarks>
/// Writes are kept apart only as long as some node may still run that does not see them: then they become part of the values that all see (<see cref="Compact"/>). The earlier rounds of a loop, which are
/// seen together or not at all, become one write. A chain of nodes, a loop and a wide <c>forEach</c> therefore cost the same for each write, however many there are.
/// </remarks>
internal sealed class SharedState
{
    /// <summary>More than this many bytes of values in place are too much for what is passed on.</summary>
    private const int MaxInlineBytes = 4 * 1024;

    /// <summary>So much of the state shows while the run is under way.</summary>
    private const int MaxShownBytes = 2 * 1024;

    /// <summary>It is shown after every step: this bounds what that costs.</summary>
    private const int MaxShownWrites = 50;

    private readonly WorkflowPlan _plan;
    private readonly NodeSchedule _schedule;
    private readonly RunCalls _calls;
    private readonly SortedList<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly string[] _merged;
    private StateChange _settled = StateChange.None;
    private IReadOnlyDictionary<string, IReadOnlyList<Payload>>? _shown;
    private int _witness;

    public SharedState(WorkflowPlan plan, NodeSchedule schedule, RunCalls calls)
    {
        _plan = plan;
        _schedule = schedule;
        _calls = calls;
        _merged = new string[plan.Graph.Loops.Length];
    }

    /// <summary>Gets a value indicating whether the workflow has a state.</summary>
    public bool Exists => _plan.Definition.State.Count > 0;

    /// <summary>Sets the values before anything is written.</summary>
    /// <param name="given">The values that a message's source has; <see langword="null"/> for none.</param>
    public void Begin(IReadOnlyDictionary<string, Payload>? given)
    {
        if (Exists)
        {
            _settled = StateChange.Restore(_plan.Definition.State.ToDictionary(
                value => value.Name,
                value => (IReadOnlyList<Payload>)[given?.GetValueOrDefault(value.Name) is { } known && StateReducers.IsOfKind(value.Reducer, known) ? known : StateReducers.InitialOf(value)],
                StringComparer.Ordinal));
        }
    }

    /// <summary>Keeps what a node has written that has completed.</summary>
    /// <param name="node">The node.</param>
    /// <param name="change">What it has written.</param>
    public void Add(int node, StateChange change)
    {
        if (!change.IsEmpty)
        {
            var order = _schedule.OrderOf(node);
            _entries[order] = new Entry(order, node, change);
            _shown = null;
        }
    }

    /// <summary>Puts writes together that every node sees that may still run, and those of the earlier rounds of loops.</summary>
    public void Compact()
    {
        if (_entries.Count == 0)
        {
            return;
        }

        for (var loop = 0; loop < _merged.Length && _entries.Count > 1; loop++)
        {
            MergeRounds(loop);
        }

        while (_entries.Count > 0 && !IsHidden(_entries.Values[0]))
        {
            _settled = _settled.Then(_plan.Definition, _entries.Values[0].Change);
            _entries.RemoveAt(0);
            _shown = null;
        }
    }

    /// <summary>Reads values as a node sees them.</summary>
    /// <param name="reader">The node, which is under way.</param>
    /// <param name="names">The values.</param>
    /// <param name="own">What it has written itself in this round, if it is to see that.</param>
    /// <exception cref="CallFailedException">A value can't be read.</exception>
    public Task<IReadOnlyDictionary<string, Payload>> ReadAsync(int reader, IEnumerable<string> names, StateChange? own = null) =>
        ReadAsync(names, _entries.Values.Where(entry => IsVisible(entry, reader)).Select(entry => entry.Change).Append(own ?? StateChange.None).ToList());

    /// <summary>Reads values as they are in the end.</summary>
    /// <param name="names">The values.</param>
    /// <param name="until">The order of the last node that counts; <see langword="null"/> if all do.</param>
    /// <exception cref="CallFailedException">A value can't be read.</exception>
    public Task<IReadOnlyDictionary<string, Payload>> ReadFinalAsync(IEnumerable<string> names, string? until) =>
        ReadAsync(names, _entries.Values.Where(entry => until is null || string.CompareOrdinal(entry.Order, until) <= 0).Select(entry => entry.Change).ToList());

    /// <summary>Reads all values for somebody outside: large ones are in the payload store.</summary>
    /// <param name="until">The order of the last node that counts; <see langword="null"/> if all do.</param>
    /// <exception cref="CallFailedException">A value can't be read.</exception>
    public async Task<IReadOnlyDictionary<string, Payload>> ReadAllAsync(string? until)
    {
        var values = await ReadFinalAsync(_plan.Definition.State.Select(value => value.Name), until);
        var all = StateChange.Restore(values.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<Payload>)[pair.Value], StringComparer.Ordinal));
        var shrunk = await all.ShrinkAsync(_plan.Definition, _calls, MaxInlineBytes);
        return shrunk.Values.ToDictionary(pair => pair.Key, pair => pair.Value.Parts[0], StringComparer.Ordinal);
    }

    /// <summary>
    /// Gets the values of all that has ended so far, in parts, for the progress: as many as there is space for. Of very many writes that are kept apart, the first are in it; the others are once they have
    /// been put together.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Payload>>? Show()
    {
        if (!Exists)
        {
            return null;
        }

        if (_shown is null)
        {
            var shown = new Dictionary<string, IReadOnlyList<Payload>>(StringComparer.Ordinal);
            var bytes = 0;
            foreach (var (name, parts) in _entries.Values.Take(MaxShownWrites).Aggregate(_settled, (sum, entry) => sum.Then(_plan.Definition, entry.Change)).Values)
            {
                if (bytes + parts.Bytes <= MaxShownBytes)
                {
                    bytes += parts.Bytes;
                    shown[name] = parts.Parts;
                }
            }

            _shown = shown;
        }

        return _shown;
    }

    /// <summary>Moves large values to the payload store, so that the state fits one history event.</summary>
    public async Task MoveLargeAsync()
    {
        if (_entries.Values.Select(entry => entry.Change).Append(_settled).Sum(change => change.Values.Values.Sum(parts => parts.Bytes)) <= MaxInlineBytes)
        {
            return;
        }

        _settled = await _settled.ShrinkAsync(_plan.Definition, _calls, 0);
        foreach (var entry in _entries.Values.Where(entry => entry.Change.Values.Values.Any(parts => parts.Bytes > 256)).ToList())
        {
            var shrunk = await entry.Change.ShrinkAsync(_plan.Definition, _calls, 0);
            _entries[entry.Order] = entry with { Change = shrunk };
        }
    }

    public SavedState? Save() => !Exists ? null : new SavedState
    {
        Values = _settled.Save(),
        Writes = _entries.Count == 0 ? null : [.. _entries.Values.Select(entry => new SavedWrite { Order = entry.Order, Node = entry.Node, Values = entry.Change.Save() })],
    };

    public void Restore(SavedState? saved)
    {
        if (saved is null)
        {
            return;
        }

        _settled = StateChange.Restore(saved.Values);
        foreach (var write in saved.Writes ?? [])
        {
            _entries[write.Order] = new Entry(write.Order, write.Node, StateChange.Restore(write.Values));
        }
    }

    private async Task<IReadOnlyDictionary<string, Payload>> ReadAsync(IEnumerable<string> names, List<StateChange> seen)
    {
        var values = new Dictionary<string, Payload>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var definition = _plan.Definition.FindState(name)!;
            var settled = _settled.Values.GetValueOrDefault(name) ?? StateParts.Empty;
            var writes = seen.Select(change => change.Values.GetValueOrDefault(name)).OfType<StateParts>().ToList();
            if (settled.Parts.Count > 1)
            {
                // Whoever comes later puts less together.
                var joined = StateParts.Of(await StateReducers.JoinAsync(definition, settled, _calls));
                _settled = _settled.With((other, parts) => other == name && ReferenceEquals(parts, settled) ? joined : parts);
                settled = joined;
            }

            var all = writes.Aggregate(settled, (sum, parts) => StateReducers.Combine(definition.Reducer, sum, parts));
            values[name] = await StateReducers.JoinAsync(definition, all, _calls);
        }

        return values;
    }

    /// <summary>Makes one write of those of the earlier rounds of a loop: nodes see all of them or none.</summary>
    private void MergeRounds(int loop)
    {
        var prefix = _schedule.PrefixOf(loop);
        if (prefix == _merged[loop])
        {
            return;
        }

        _merged[loop] = prefix;

        // Only those of the present round of the loop around it: what others wrote lies between them and earlier ones.
        var outer = _plan.Graph.Loops[loop].Parent is >= 0 and var parent ? _schedule.PrefixOf(parent) : "";
        var earlier = _entries.Values.Where(entry => IsEarlierRound(entry, loop, prefix) && string.CompareOrdinal(entry.Order, outer) > 0).ToList();
        if (earlier.Count < 2)
        {
            return;
        }

        foreach (var entry in earlier)
        {
            _entries.Remove(entry.Order);
        }

        var change = earlier.Aggregate(StateChange.None, (sum, entry) => sum.Then(_plan.Definition, entry.Change));
        _entries[earlier[^1].Order] = new Entry(earlier[^1].Order, _plan.Graph.Loops[loop].Header, change);
    }

    private bool IsEarlierRound(Entry entry, int loop, string prefix) => _plan.Graph.IsInLoop(entry.Node, loop) && string.CompareOrdinal(entry.Order, prefix) < 0;

    private bool IsVisible(Entry entry, int reader)
    {
        if (_plan.Precedence.HasEnded(entry.Node, reader))
        {
            return true;
        }

        var loop = _plan.CommonLoop(entry.Node, reader);
        return loop >= 0 && IsEarlierRound(entry, loop, _schedule.PrefixOf(loop));
    }

    /// <summary>Determines whether some node may still run that does not see a write.</summary>
    private bool IsHidden(Entry entry)
    {
        // The node that stood against it the last time most likely still does.
        for (var i = 0; i < _plan.Graph.Nodes.Length; i++)
        {
            var node = (_witness + i) % _plan.Graph.Nodes.Length;
            if (IsHiddenFrom(entry, node))
            {
                _witness = node;
                return true;
            }
        }

        return false;
    }

    private bool IsHiddenFrom(Entry entry, int node)
    {
        var graph = _plan.Graph;
        if (!_schedule.State.Nodes[node].HasEnded)
        {
            return !IsVisible(entry, node);
        }

        // One that has ended runs again in the next round of a loop that is still open; what is in that loop is of an earlier round then.
        for (var loop = graph.InnermostLoop[node]; loop >= 0; loop = graph.Loops[loop].Parent)
        {
            if (_schedule.State.Loops[loop].Phase == LoopPhase.Open && !graph.IsInLoop(entry.Node, loop))
            {
                return !IsVisible(entry, node);
            }
        }

        return false;
    }

    private sealed record Entry(string Order, int Node, StateChange Change);
}

/// <summary>A state in <see cref="RunState"/>.</summary>
internal sealed record SavedState
{
    /// <summary>Gets the values that all nodes see that may still run, in parts.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Payload>>? Values { get; init; }

    /// <summary>Gets the writes that some of them do not see.</summary>
    public IReadOnlyList<SavedWrite>? Writes { get; init; }
}

/// <summary>What a node has written, in <see cref="SavedState"/>.</summary>
internal sealed record SavedWrite
{
    /// <summary>Gets the node.</summary>
    public int Node { get; init; }

    /// <summary>Gets its place among all results.</summary>
    public required string Order { get; init; }

    /// <summary>Gets what is written, in parts.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Payload>>? Values { get; init; }
}
