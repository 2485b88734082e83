using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polyphony.Core.Client;
using Polyphony.Core.Telemetry;

namespace Polyphony.Http.Queue;

/// <summary>
/// What a host has to do, as metrics. Read only when an exporter asks, and at most every <see cref="FreshFor"/>: without listeners nothing is read. Thread-safe.
/// </summary>
/// <param name="services">The app's services; what is read from is taken when it is needed, since the host may not have started.</param>
internal sealed class QueueMetrics(IServiceProvider services) : IHostedService, IDisposable
{
    /// <summary>The workflows beyond these are counted together.</summary>
    public const int MaxWorkflows = 100;

    /// <summary>The name under which further workflows are counted.</summary>
    public const string OtherWorkflows = "_OTHER";

    /// <summary>For how long what was read is told again.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10);

    /// <summary>How long an exporter is kept waiting. What takes longer is told the next time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task<QueueStatus>? _reading;
    private QueueStatus? _status;
    private DateTimeOffset? _readTime;

    internal Meter Meter { get; } = new(PolyphonyTelemetry.Name);

    /// <summary>Offers the metrics.</summary>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>A completed task.</returns>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Meter.CreateObservableUpDownCounter("polyphony.instances", States, "{instance}", "Unfinished instances by what they do; of the oldest 10,000, if there are more.");
        Meter.CreateObservableGauge("polyphony.instances.oldest_age", OldestAge, "s", "How long ago the oldest unfinished instance was accepted.");
        Meter.CreateObservableGauge("polyphony.instances.limit", Limit, "{instance}", "The limit on unfinished instances.");
        Meter.CreateObservableUpDownCounter("polyphony.workflow.instances", Workflows, "{instance}", "Unfinished instances by workflow, without children and those that handle messages.");
        Meter.CreateObservableUpDownCounter("polyphony.messages.waiting", Messages, "{message}", "Messages in mailboxes that are not handled yet.");
        Meter.CreateObservableGauge("polyphony.messages.oldest_age", OldestMessageAge, "s", "How long ago the oldest message that is being handled was accepted.");
        Meter.CreateObservableGauge("polyphony.deployment.requests", () => Deployments(use => use.RequestsPerMinute is null ? null : use.RequestsLastMinute), "{request}", "This process's requests of the last minute, where there is a limit.");
        Meter.CreateObservableGauge("polyphony.deployment.requests.limit", () => Deployments(use => use.RequestsPerMinute), "{request}", "The limit on requests a minute.");
        Meter.CreateObservableGauge("polyphony.deployment.tokens", () => Deployments(use => use.TokensPerMinute is null ? null : use.TokensLastMinute), "{token}", "The tokens of these requests, where there is a limit.");
        Meter.CreateObservableGauge("polyphony.deployment.tokens.limit", () => Deployments(use => use.TokensPerMinute), "{token}", "The limit on tokens a minute.");
        Meter.CreateObservableUpDownCounter("polyphony.deployment.throttled", () => Deployments(use => use.Throttled), "{request}", "Requests that wait for the deployment's limits.");
        Meter.CreateObservableGauge("polyphony.deployment.pause", () => Deployments(PauseOf), "s", "For how much longer nothing is sent, because the provider has asked for it or fails every call; 0: requests are sent.");
        return Task.CompletedTask;
    }

    /// <summary>Takes the metrics back.</summary>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>A completed task.</returns>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        Meter.Dispose();
    }

    private IEnumerable<Measurement<int>> States() => Read() is not { States: var states } ? [] :
    [
        State(states.Pending, "pending"),
        State(states.Suspended, "suspended"),
        State(states.Running, "running"),
        State(states.Throttled, "throttled"),
        State(states.WaitingForPeople, "waiting_for_people"),
        State(states.WaitingForEvents, "waiting_for_events"),
        State(states.WaitingForLocks, "waiting_for_locks"),
        State(states.WaitingForTimers, "waiting_for_timers"),
    ];

    private static Measurement<int> State(int count, string state) => new(count, new KeyValuePair<string, object?>(SpanNames.InstanceState, state));

    private IEnumerable<Measurement<double>> OldestAge() => Read() is { } status ? [new(status.Oldest is { } oldest ? AgeOf(oldest.CreatedTime) : 0)] : [];

    private IEnumerable<Measurement<int>> Limit() => Read()?.Limit is { } limit ? [new(limit)] : [];

    private IEnumerable<Measurement<int>> Workflows()
    {
        if (Read() is not { } status)
        {
            return [];
        }

        // Names of inline definitions are anybody's.
        var ordered = status.Workflows.OrderByDescending(workflow => workflow.Unfinished).ThenBy(workflow => workflow.Workflow, StringComparer.Ordinal).ToList();
        var named = ordered.Take(MaxWorkflows).Select(workflow => Of(workflow.Workflow, workflow.Unfinished));
        return ordered.Count > MaxWorkflows ? named.Append(Of(OtherWorkflows, ordered.Skip(MaxWorkflows).Sum(workflow => workflow.Unfinished))) : named;

        static Measurement<int> Of(string workflow, int count) => new(count, new KeyValuePair<string, object?>(SpanNames.Workflow, workflow));
    }

    private IEnumerable<Measurement<long>> Messages() => Read() is { } status ? [new(status.Mailboxes.Messages)] : [];

    private IEnumerable<Measurement<double>> OldestMessageAge() => Read() is { } status ? [new(status.Mailboxes.OldestTime is { } time ? AgeOf(time) : 0)] : [];

    private IEnumerable<Measurement<double>> Deployments(Func<DeploymentUse, double?> valueOf)
    {
        foreach (var use in services.GetService<IDeployments>()?.List() ?? [])
        {
            if (valueOf(use) is { } value)
            {
                yield return new(
                    value,
                    new(SpanNames.Provider, ProviderNames.Of(use.Provider)),
                    new(SpanNames.RequestModel, use.Model),
                    new(SpanNames.ServerAddress, use.Endpoint is { } endpoint ? new Uri(endpoint).Host : null));
            }
        }
    }

    private double? PauseOf(DeploymentUse use) => (use.PausedUntil ?? use.FailingUntil) is { } until ? Math.Max(0, (until - Clock.GetUtcNow()).TotalSeconds) : 0;

    private double AgeOf(DateTimeOffset time) => Math.Max(0, (Clock.GetUtcNow() - time).TotalSeconds);

    private TimeProvider Clock => services.GetRequiredService<TimeProvider>();

    /// <summary>Reads the queue; all metrics of one collection share what is read once.</summary>
    /// <returns>The status; <see langword="null"/> if it can't be read at present.</returns>
    private QueueStatus? Read()
    {
        lock (_gate)
        {
            try
            {
                if (_readTime is { } time && Clock.GetUtcNow() - time < FreshFor)
                {
                    return _status;
                }

                _reading ??= Task.Run(() => services.GetRequiredService<QueueReader>().ReadAsync(_stopping.Token));
                if (!_reading.Wait(Patience))
                {
                    return null;
                }

                _status = _reading.Result;
            }
            catch (Exception)
            {
                // A host that has not begun, or is at its end, or whose store can't be reached: its own logs say so. A metric that is missing says it too.
                _status = null;
            }

            _reading = null;
            _readTime = Now();
            return _status;
        }
    }

    private DateTimeOffset? Now()
    {
        try
        {
            return Clock.GetUtcNow();
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }
}
