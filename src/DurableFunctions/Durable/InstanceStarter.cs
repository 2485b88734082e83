using DurableTask.Core.Exceptions;
using Microsoft.DurableTask.Client;
using Polyphony.Core.Durable;
using DurableStartOptions = Microsoft.DurableTask.StartOrchestrationOptions;
using DurableStatus = Microsoft.DurableTask.Client.OrchestrationRuntimeStatus;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Starts instances so that an id is used once, also by starts at the same moment and over crashes. Thread-safe.</summary>
/// <remarks>
/// The id is reserved, then the start is given to Durable Task. A process that ends between the two leaves a reservation without an instance:
/// the next one to ask for the id waits <see cref="Patience"/> for the instance to show, and then makes the start that the reservation was for.
/// Should its owner be slow and not dead, Durable Task gets the same start twice and drops one of them.
/// </remarks>
internal sealed class InstanceStarter(Func<DurableTaskClient> client, IStartReservations reservations, TimeProvider timeProvider)
{
    /// <summary>How long the one who was first has to make the instance visible; usually it takes some milliseconds.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly DurableStatus[] EveryStatus =
        [DurableStatus.Pending, DurableStatus.Running, DurableStatus.Suspended, DurableStatus.Completed, DurableStatus.Failed, DurableStatus.Terminated];

    /// <summary>Starts an instance.</summary>
    /// <exception cref="InstanceExistsException">The id was used before.</exception>
    public async Task<string> StartAsync(string? instanceId, StartRequest request, CancellationToken cancellationToken)
    {
        if (instanceId is null)
        {
            // Durable Task makes an id up that is nobody else's.
            return await ScheduleAsync(null, request, cancellationToken);
        }

        while (true)
        {
            var reservation = await reservations.ReserveAsync(instanceId, request, cancellationToken);
            if (reservation.IsNew)
            {
                try
                {
                    return await ScheduleAsync(instanceId, request, cancellationToken);
                }
                catch (InstanceExistsException)
                {
                    // Started by another instance, or just being purged: the reservation was not needed.
                    await reservations.RemoveAsync(instanceId, cancellationToken);
                    throw;
                }
            }

            if (await ShowsAsync(instanceId, cancellationToken))
            {
                throw new InstanceExistsException(instanceId);
            }

            if (await reservations.TryTakeOverAsync(instanceId, reservation, cancellationToken))
            {
                await ScheduleAsync(instanceId, reservation.Request, cancellationToken);
                return reservation.Request.IsSameAs(request) ? instanceId : throw new InstanceExistsException(instanceId);
            }
        }
    }

    private async Task<string> ScheduleAsync(string? instanceId, StartRequest request, CancellationToken cancellationToken)
    {
        // Without the list, an id that has finished would silently be started again.
        var options = new DurableStartOptions(instanceId, request.StartAt) { Tags = request.Tags }.WithDedupeStatuses(EveryStatus);
        try
        {
            return await client().ScheduleNewOrchestrationInstanceAsync(request.Name, RawJson.Of(request.Input), options, cancellationToken);
        }
        catch (OrchestrationAlreadyExistsException)
        {
            throw new InstanceExistsException(instanceId ?? "");
        }
    }

    private async Task<bool> ShowsAsync(string instanceId, CancellationToken cancellationToken)
    {
        for (var begun = timeProvider.GetTimestamp(); ; await Task.Delay(Poll, timeProvider, cancellationToken))
        {
            if (await client().GetInstanceAsync(instanceId, getInputsAndOutputs: false, cancellationToken) is not null)
            {
                return true;
            }

            if (timeProvider.GetElapsedTime(begun) >= Patience)
            {
                return false;
            }
        }
    }
}
