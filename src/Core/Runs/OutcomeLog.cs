using System.Runtime.InteropServices;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The outcomes of a run. They go to the payload store in batches, and are put in order by whoever reads them.</summary>
internal sealed class OutcomeLog(RunCalls calls)
{
    private const int MaxLists = 60;

    /// <summary>More than this many bytes of outcomes go to the payload store.</summary>
    private const int MaxBytes = 32 * 1024;

    /// <summary>Up to this many bytes the lists themselves, most of them references, are a part of the run's result.</summary>
    private const int MaxResultBytes = 6 * 1024;

    private readonly List<Payload> _lists = [];
    private readonly List<Task> _housekeeping = [];
    private List<byte[]> _outcomes = [];
    private int _bytes;

    /// <summary>Gets the lists in the payload store.</summary>
    public IReadOnlyList<Payload> Lists => _lists;

    /// <summary>Gets the outcomes that are not in the payload store yet, each UTF-8 JSON.</summary>
    public IReadOnlyList<byte[]> Pending => _outcomes;

    /// <summary>Keeps an outcome until there are enough of them to go to the payload store. They are written once, here.</summary>
    /// <returns>The outcome, UTF-8 JSON.</returns>
    public byte[] Add(Outcome outcome)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(outcome, CoreJsonContext.Default.Outcome);
        _outcomes.Add(json);
        _bytes += SizeOf(outcome.Result);
        if (_bytes > MaxBytes)
        {
            _housekeeping.Add(StoreAsync());
        }

        return json;
    }

    /// <summary>Adds the outcomes of a child.</summary>
    public void AddList(Payload list)
    {
        _lists.Add(list);
        if (_lists.Count > MaxLists)
        {
            _housekeeping.Add(JoinAsync());
        }
    }

    /// <summary>Waits until everything that was to go to the payload store is there.</summary>
    public async Task SettleAsync()
    {
        while (_housekeeping.Count > 0)
        {
            var tasks = _housekeeping.ToList();
            _housekeeping.Clear();
            await Task.WhenAll(tasks);
        }
    }

    /// <summary>Moves what is still in place to the payload store, when a large graph or the many parts of a <c>forEach</c> leave no room for it in the state.</summary>
    /// <returns>Whether there was anything.</returns>
    public async Task<bool> MoveAsync()
    {
        if (_outcomes.Count > 0)
        {
            await StoreAsync();
            return true;
        }

        if (_lists.Count(list => list.IsInline) > 1)
        {
            await JoinAsync();
            return true;
        }

        return false;
    }

    /// <summary>Makes lists of all outcomes.</summary>
    public async Task FlushAsync()
    {
        await SettleAsync();
        if (_outcomes.Count > 0)
        {
            await StoreAsync();
        }
    }

    /// <summary>Gets all outcomes that were flushed as one list in order; as several, if joining them would take a call.</summary>
    public async Task<IReadOnlyList<Payload>> CollectAsync()
    {
        if (_lists.Count == 0)
        {
            return [Packing.EmptyList];
        }

        return RunCalls.TryPackHere(_lists, PackMode.Outcomes) is null && _lists.Sum(RunCalls.SizeOf) <= MaxResultBytes
            ? [.. _lists]
            : [await calls.PackAsync([.. _lists], PackMode.Outcomes)];
    }

    public void Restore(IReadOnlyList<Payload> lists, JsonElement? pending)
    {
        _lists.AddRange(lists);
        foreach (var outcome in pending is { } outcomes ? outcomes.EnumerateArray() : default)
        {
            _outcomes.Add(JsonMarshal.GetRawUtf8Value(outcome).ToArray());
            _bytes += SizeOf(outcome.TryGetProperty("result", out var result) ? result.Deserialize(CoreJsonContext.Default.Payload) : null);
        }
    }

    // An estimate, so that when they are stored does not depend on how exactly they are written.
    private static int SizeOf(Payload? result) => RunCalls.SizeOf(result) + 400;

    private async Task StoreAsync()
    {
        var batch = _outcomes;
        _outcomes = [];
        _bytes = 0;
        AddList(await calls.PackAsync(batch));
    }

    private async Task JoinAsync()
    {
        var batch = _lists.ToList();
        _lists.Clear();
        _lists.Add(await calls.PackAsync(batch, PackMode.Concat));
    }
}
