using System.Diagnostics;
using Polyphony.Core.Durable;

namespace Polyphony.Benchmarks.Engine;

/// <summary>10,000 external events to 1,000 instances, and 10,000 signals to one and to 1,000 entities.</summary>
internal static class Messages
{
    private const int Receivers = 1000;
    private const int Each = 10;

    internal static async Task RunAsync(Round round)
    {
        await RaiseAsync(round);
        await SignalAsync(round, "signals.one", 1);
        await SignalAsync(round, "signals.1000", Receivers);
    }

    private static async Task RaiseAsync(Round round)
    {
        var receivers = round.Scale(Receivers, 20);
        await using var engine = await round.StartEngineAsync(Steps.NewRegistry());
        var ids = await Task.WhenAll(Enumerable.Range(0, receivers).Select(_ => engine.Client.StartAsync(Steps.Events, Steps.Text(Each))));
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Each; i++)
        {
            await Task.WhenAll(ids.Select(id => engine.Client.RaiseEventAsync(id, Steps.Go, "1")));
        }

        await Task.WhenAll(ids.Select(id => engine.Client.WaitForCompletionAsync(id)));
        round.RecordRate("events", "events/s", receivers * Each, Stopwatch.GetElapsedTime(began));
    }

    private static async Task SignalAsync(Round round, string name, int entities)
    {
        var signals = round.Scale(Receivers * Each, 20);
        var receivers = Math.Min(entities, signals);
        await using var engine = await round.StartEngineAsync(Steps.NewRegistry());
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, signals).Select(i => engine.Client.SignalEntityAsync(IdOf(i % receivers), "add", null)));

        // A signal is acknowledged when it is kept; it is done when the state says so.
        for (var entity = 0; entity < receivers; entity++)
        {
            var expected = Steps.Text((signals / receivers) + (entity < signals % receivers ? 1 : 0));
            while (await engine.Client.GetEntityStateAsync(IdOf(entity)) != expected)
            {
                await Task.Delay(1);
            }
        }

        round.RecordRate(name, "signals/s", signals, Stopwatch.GetElapsedTime(began));
    }

    private static EntityId IdOf(int number) => new(Steps.Counter, Steps.Text(number));
}
