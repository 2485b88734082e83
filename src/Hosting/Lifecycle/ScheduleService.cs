using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polyphony.Activities.Schedules;
using Polyphony.Core.Client;

namespace Polyphony.Hosting.Lifecycle;

/// <summary>Compares the schedules of the workflows with their orchestrations again and again, so that a file that was edited, added or removed takes effect within seconds.</summary>
/// <param name="client">The workflows.</param>
/// <param name="options">The options, valid.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="loggerFactory">Makes the logger.</param>
internal sealed class ScheduleService(WorkflowClient client, IOptions<PolyphonyOptions> options, TimeProvider timeProvider, ILoggerFactory loggerFactory) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly ILogger _log = loggerFactory.CreateLogger("Polyphony.Hosting");

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Paused || !options.Value.RunSchedules)
        {
            return;
        }

        var keeper = new ScheduleKeeper(client, timeProvider);
        string? reported = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await keeper.KeepAsync(stoppingToken);
                reported = null;
            }
            catch (PolyphonyException exception) when (exception.Code == "engine_stopped")
            {
                return;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // Whatever it is, the next look may find it gone; it is said once.
                if (reported != exception.Message)
                {
                    _log.SchedulesNotKept(exception, exception.Message);
                }

                reported = exception.Message;
            }

            await Task.Delay(Pause, timeProvider, stoppingToken);
        }
    }
}
