using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Polyphony.TestKit.Telemetry;

/// <summary>A span as it came over the wire.</summary>
/// <param name="Name">Its name.</param>
/// <param name="TraceId">The trace, in hexadecimal.</param>
/// <param name="SpanId">Its id.</param>
/// <param name="ParentId">The span that it belongs to; empty if it is the first.</param>
/// <param name="Service">The service that sent it.</param>
/// <param name="Attributes">Its attributes that are texts.</param>
public sealed record OtlpSpan(string Name, string TraceId, string SpanId, string ParentId, string Service, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A collector on loopback that takes OTLP over HTTP, in protobuf.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly Lock _lock = new();
    private readonly List<OtlpSpan> _spans = [];
    private readonly Dictionary<string, string> _metrics = new(StringComparer.Ordinal);
    private readonly List<(Func<OtlpSpan, bool> Condition, TaskCompletionSource<OtlpSpan> Seen)> _awaited = [];

    private OtlpCollector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.MapPost("/v1/traces", context => TakeAsync(context, TakeTraces));
        _application.MapPost("/v1/metrics", context => TakeAsync(context, TakeMetrics));
    }

    /// <summary>Gets the address.</summary>
    public string Address => _application.Urls.First();

    /// <summary>Gets the spans in the order of their arrival.</summary>
    public IReadOnlyList<OtlpSpan> Spans
    {
        get
        {
            lock (_lock)
            {
                return [.. _spans];
            }
        }
    }

    /// <summary>Gets the units of the metrics by name.</summary>
    public IReadOnlyDictionary<string, string> Metrics
    {
        get
        {
            lock (_lock)
            {
                return new Dictionary<string, string>(_metrics, StringComparer.Ordinal);
            }
        }
    }

    /// <summary>Gets the whole of what came, as text in which the bytes of texts can be found.</summary>
    public MemoryStream Received { get; } = new();

    /// <summary>Starts a collector.</summary>
    public static async Task<OtlpCollector> StartAsync()
    {
        var collector = new OtlpCollector();
        await collector._application.StartAsync();
        return collector;
    }

    /// <summary>Waits for a span.</summary>
    public Task<OtlpSpan> WhenAsync(Func<OtlpSpan, bool> condition)
    {
        lock (_lock)
        {
            if (_spans.FirstOrDefault(condition) is { } span)
            {
                return Task.FromResult(span);
            }

            var seen = new TaskCompletionSource<OtlpSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((condition, seen));
            return seen.Task;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        await Received.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context, Action<Protobuf> take)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        lock (_lock)
        {
            Received.Write(body.ToArray());
            take(new Protobuf(body.ToArray()));
        }
    }

    // The numbers are those of opentelemetry-proto.
    private void TakeTraces(Protobuf request)
    {
        foreach (var resource in request.Messages(1))
        {
            var service = Attributes(resource.Messages(1).Single(), 1)["service.name"];
            foreach (var span in resource.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                var taken = new OtlpSpan(span.Text(5), span.Hex(1), span.Hex(2), span.Hex(4), service, Attributes(span, 9));
                _spans.Add(taken);
                foreach (var (_, seen) in _awaited.Where(each => each.Condition(taken)))
                {
                    seen.TrySetResult(taken);
                }
            }
        }
    }

    private void TakeMetrics(Protobuf request)
    {
        foreach (var metric in request.Messages(1).SelectMany(resource => resource.Messages(2)).SelectMany(scope => scope.Messages(2)))
        {
            _metrics[metric.Text(1)] = metric.Text(3);
        }
    }

    private static Dictionary<string, string> Attributes(Protobuf message, int field)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var attribute in message.Messages(field))
        {
            attributes[attribute.Text(1)] = attribute.Messages(2).Single().Text(1);
        }

        return attributes;
    }
}
