using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The rounds of tool calls of an activation: the latest as they are, and those before, once there is too much of them for a call, in the payload store.</summary>
internal sealed class ToolRounds(RunCalls calls)
{
    private const int MaxBytes = RunCalls.MaxCallBytes / 2;
    private const int MaxLists = 40;
    private readonly List<Payload> _packed = [];
    private readonly List<ToolRound> _recent = [];

    /// <summary>Gets how many rounds there are in all.</summary>
    public int Count { get; private set; }

    public IReadOnlyList<Payload> Packed => [.. _packed];

    public IReadOnlyList<ToolRound> Recent => [.. _recent];

    /// <summary>Gets how much of a call they take, about.</summary>
    public int Bytes => RecentBytes + _packed.Sum(RunCalls.SizeOf);

    /// <summary>Gets a value indicating whether there is too much of the latest rounds to pass them.</summary>
    public bool AreLarge => RecentBytes > MaxBytes;

    /// <summary>Gets what the tools have written to the state, in the order of the calls.</summary>
    public StateChange Written { get; private set; } = StateChange.None;

    private int RecentBytes => _recent.Sum(SizeOf);

    /// <summary>Adds a round.</summary>
    /// <param name="round">The round.</param>
    /// <param name="definition">The workflow.</param>
    public void Add(ToolRound round, WorkflowDefinition definition)
    {
        Written = round.Results.Aggregate(Written, (sum, result) => sum.Then(definition, StateChange.Restore(result.Written)));

        // Models are told what tools return, and not what they write.
        _recent.Add(round with { Results = [.. round.Results.Select(result => result.Written is null ? result : result with { Written = null })] });
        Count++;
    }

    /// <summary>Hands the rounds to another model: what stood beside the calls was for the server of the one that asked for them.</summary>
    public void Hand()
    {
        for (var i = 0; i < _recent.Count; i++)
        {
            _recent[i] = _recent[i] with { Beside = null };
        }
    }

    /// <summary>Moves the latest rounds to the payload store, call by call, since one round alone can be too much.</summary>
    public async Task PackAsync()
    {
        var first = Count - _recent.Count;
        var exchanges = _recent.SelectMany((round, index) => round.Calls.Select((call, place) => JsonSerializer.SerializeToUtf8Bytes(
            new ToolExchange(first + index, call, round.Results[place], place == 0 ? round.Beside : null), CoreJsonContext.Default.ToolExchange)));
        _packed.Add(await calls.PackAsync([.. exchanges]));
        _recent.Clear();
        if (_packed.Count > MaxLists)
        {
            var joined = await calls.PackAsync([.. _packed], PackMode.Concat);
            _packed.Clear();
            _packed.Add(joined);
        }
    }

    private static int SizeOf(ToolRound round) =>
        RunCalls.SizeOf(round.Beside)
        + round.Calls.Sum(call => RunCalls.SizeOf(call.Arguments) + call.CallId.Length + call.Tool.Length + 100)
        + round.Results.Sum(result => RunCalls.SizeOf(result.Output) + (result.Error?.Message.Length ?? 0) * 3 + (result.Note?.Length ?? 0) * 3 + 100);
}
