using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Core.Runs;

/// <summary>
/// Decides when a run continues as new, and does it: when a generation has done enough operations, and nothing is under way but waits, the state is saved and the next
/// generation begins with it.
/// </summary>
internal sealed class Continuation(
    RunContext run,
    NodeSchedule schedule,
    ResultStore results,
    OutcomeLog outcomes,
    WaitStates waits,
    ProgressReporter progress,
    TerminationMonitor termination,
    ActivationSlots slots,
    StateCodec codec,
    SharedState shared,
    RunSignal signal)
{
    /// <summary>Gets or sets a value indicating whether this generation has brought something to an end. Many waits that are only taken up again would fill one generation after another.</summary>
    public bool HasApplied { get; set; }

    /// <summary>
    /// Gets a value indicating whether nothing is launched because the generation should end. Not while something is under way that may take long: others would
    /// wait for it.
    /// </summary>
    public bool IsDraining => IsGenerationFull && !schedule.UnderWay.Any(MayTakeLong);

    private bool IsGenerationFull => run.Calls.Operations >= run.Options.OperationsPerGeneration && HasApplied;

    /// <summary>Continues as new, if the generation is full and nothing stands against it.</summary>
    /// <param name="ended">The nodes that have ended and were not dealt with.</param>
    /// <returns>Whether the generation is over.</returns>
    public async Task<bool> TryContinueAsNewAsync(IReadOnlyCollection<NodeEnd> ended)
    {
        if (!IsQuiet())
        {
            return false;
        }

        await outcomes.SettleAsync();
        if (await results.MoveLargeAsync(run.Calls, termination.Pending) is { } moved)
        {
            termination.Replace(moved);
        }

        await shared.MoveLargeAsync();

        // What came while that was going on is dealt with first.
        if (ended.Count > 0 || !IsQuiet())
        {
            return false;
        }

        var state = codec.Save();
        var next = Write(run.Input with { Place = run.Locks.Place, State = state, PackedState = null });
        if (!Fits(next))
        {
            if (await outcomes.MoveAsync())
            {
                return await TryContinueAsNewAsync(ended);
            }

            var packed = PackedState.Create(state);
            next = Write(run.Input with { Place = run.Locks.Place, State = null, PackedState = packed });
            if (!Fits(next))
            {
                packed = await packed.StoreAsync(run.Calls);
                if (ended.Count > 0 || !IsQuiet())
                {
                    return false;
                }

                next = Write(run.Input with { Place = run.Locks.Place, State = null, PackedState = packed });
            }
        }

        run.Durable.ContinueAsNew(next);
        return true;

        static string Write(WorkflowInput input) => JsonSerializer.Serialize(input, CoreJsonContext.Default.WorkflowInput);

        bool Fits(string input) => Encoding.UTF8.GetByteCount(input) <= run.Options.MaxGenerationBytes;
    }

    private bool IsQuiet() => IsGenerationFull
        && !run.Stop.IsRequested
        && !signal.IsFaulted
        && schedule.UnderWay.All(IsWaiting)
        && !slots.IsAbandoned;

    private bool IsWaiting(int node) => waits.Open.ContainsKey(Activation.Name(run.Graph.Nodes[node].Name, null, schedule.RoundOf(node)));

    private bool MayTakeLong(int node)
    {
        var definition = run.Graph.Nodes[node];
        return !IsWaiting(node)
            && (progress.IsDelayed(node)
                || progress.IsAsking(node)
                || definition.Kind.MayTakeLong
                || run.Plan.Definition.SubWorkflowsOf(definition).Any()
                || (definition.ForEach is not null && (definition.Kind.WaitsOutside || definition.Lock is not null || definition.Kind.MayWaitForTools(definition, run.Plan.Definition) || (progress.ItemsOf(node) ?? 0) > run.Options.MaxDirectItems)));
    }
}
