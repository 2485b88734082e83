using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Starts instances within limits. Thread-safe.</summary>
/// <param name="starter">Starts them.</param>
/// <param name="unfinished">Counts those that have not finished.</param>
/// <param name="exists">Determines whether an id was used before: that is answered as ever.</param>
internal sealed class AdmittedStarts(InstanceStarter starter, UnfinishedScan unfinished, Func<string, CancellationToken, Task<bool>> exists)
{
    /// <summary>Refuses a start that can't be made now.</summary>
    /// <exception cref="QueueFullException">The limits leave no place, and the id is new.</exception>
    public async Task CheckAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken)
    {
        if (await TakeAsync(limits, workflow, instanceId, cancellationToken) is { } place)
        {
            unfinished.GiveBack(place);
        }
    }

    /// <summary>Starts an instance.</summary>
    /// <exception cref="QueueFullException">The limits leave no place, and the id is new.</exception>
    /// <exception cref="InstanceExistsException">The id was used before.</exception>
    public async Task<string> StartAsync(AdmissionLimits limits, string workflow, string instanceId, StartRequest request, CancellationToken cancellationToken)
    {
        var place = await TakeAsync(limits, workflow, instanceId, cancellationToken);
        try
        {
            return await starter.StartAsync(instanceId, request, cancellationToken);
        }
        catch (InstanceExistsException) when (place is not null)
        {
            unfinished.GiveBack(place);
            throw;
        }
        finally
        {
            // After an error it is not known whether it was started: the next count knows.
            if (place is not null)
            {
                unfinished.Fill(place);
            }
        }
    }

    private async Task<UnfinishedScan.Place?> TakeAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken)
    {
        try
        {
            return await unfinished.TakeAsync(limits, workflow, instanceId, cancellationToken);
        }
        catch (QueueFullException)
        {
            if (await exists(instanceId, cancellationToken))
            {
                return null;
            }

            throw;
        }
    }
}
