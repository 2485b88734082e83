using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>What is written to the state: by an activation, by the items of a <c>forEach</c>, or by the earlier rounds of a loop. Immutable.</summary>
internal sealed class StateChange
{
    private readonly SortedDictionary<string, StateParts> _values;

    private StateChange(SortedDictionary<string, StateParts> values) => _values = values;

    /// <summary>Gets nothing written.</summary>
    public static StateChange None { get; } = new(new SortedDictionary<string, StateParts>(StringComparer.Ordinal));

    public bool IsEmpty => _values.Count == 0;

    /// <summary>Gets what is written, by the names of the values (ordinal).</summary>
    public IReadOnlyDictionary<string, StateParts> Values => _values;

    /// <summary>Makes what an activation has written.</summary>
    public static StateChange Of(WorkflowDefinition definition, IEnumerable<(string Name, Payload Value)> writes)
    {
        SortedDictionary<string, StateParts>? values = null;
        foreach (var (name, value) in writes)
        {
            var reducer = definition.FindState(name)!.Reducer;
            if (reducer != StateReducer.Replace && value.IsInline && value.Text.SequenceEqual("null"u8))
            {
                continue;
            }

            values ??= new SortedDictionary<string, StateParts>(StringComparer.Ordinal);
            values[name] = values.TryGetValue(name, out var before) ? StateReducers.Combine(reducer, before, StateParts.Of(value)) : StateParts.Of(value);
        }

        return values is null ? None : new StateChange(values);
    }

    /// <summary>Takes up what was saved.</summary>
    public static StateChange Restore(IReadOnlyDictionary<string, IReadOnlyList<Payload>>? saved)
    {
        if (saved is null || saved.Count == 0)
        {
            return None;
        }

        var values = new SortedDictionary<string, StateParts>(StringComparer.Ordinal);
        foreach (var (name, parts) in saved)
        {
            values[name] = new StateParts([.. parts]);
        }

        return new StateChange(values);
    }

    /// <summary>Gets what is kept of it.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Payload>>? Save() =>
        IsEmpty ? null : _values.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<Payload>)pair.Value.Parts, StringComparer.Ordinal);

    /// <summary>Adds what was written after this, in the order of the graph.</summary>
    public StateChange Then(WorkflowDefinition definition, StateChange next)
    {
        if (IsEmpty || next.IsEmpty)
        {
            return IsEmpty ? next : this;
        }

        var values = new SortedDictionary<string, StateParts>(_values, StringComparer.Ordinal);
        foreach (var (name, parts) in next._values)
        {
            values[name] = values.TryGetValue(name, out var before) ? StateReducers.Combine(definition.FindState(name)!.Reducer, before, parts) : parts;
        }

        return new StateChange(values);
    }

    /// <summary>Makes a change with other values in place of these.</summary>
    public StateChange With(Func<string, StateParts, StateParts> replace)
    {
        var values = new SortedDictionary<string, StateParts>(StringComparer.Ordinal);
        foreach (var (name, parts) in _values)
        {
            values[name] = replace(name, parts);
        }

        return new StateChange(values);
    }

    /// <summary>Moves large values to the payload store, if together they would make a message too large.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="limit">How many bytes may stay in place.</param>
    public async Task<StateChange> ShrinkAsync(WorkflowDefinition definition, RunCalls calls, int limit)
    {
        if (_values.Values.Sum(parts => parts.Bytes) <= limit)
        {
            return this;
        }

        var names = _values.Keys.ToList();
        var joined = new List<Payload>();
        foreach (var name in names)
        {
            var definitionOf = definition.FindState(name)!;
            joined.Add(definitionOf.Reducer is StateReducer.Append or StateReducer.Merge ? await StateReducers.JoinAsync(definitionOf, _values[name], calls) : _values[name].Parts[0]);
        }

        // Numbers stay: they are computed with here.
        var large = Enumerable.Range(0, names.Count).Where(i => joined[i].IsInline && joined[i].Text.Length > 64 && definition.FindState(names[i])!.Reducer is StateReducer.Append or StateReducer.Merge or StateReducer.Replace).ToList();
        IReadOnlyList<Payload> stored = large.Count == 0 ? [] : await calls.StoreAllAsync([.. large.Select(i => joined[i])]);
        for (var i = 0; i < large.Count; i++)
        {
            joined[large[i]] = stored[i];
        }

        return With((name, _) => StateParts.Of(joined[names.IndexOf(name)]));
    }
}
