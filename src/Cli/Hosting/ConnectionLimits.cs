using Microsoft.AspNetCore.Server.Kestrel.Core;
using Polyphony.Engine;
using Polyphony.Hosting;
using Polyphony.Hosting.DataFolders;

namespace Polyphony.Cli.Hosting;

/// <summary>
/// How slow a client may be before its connection is closed, how much it may send, and how many connections there may be. Slow clients cannot shut
/// others out by using up the connections: see <see cref="ConnectionGate"/>.
/// </summary>
internal sealed record ConnectionLimits
{
    /// <summary>The default of <see cref="HeaderTime"/>.</summary>
    public static readonly TimeSpan DefaultHeaderTime = TimeSpan.FromSeconds(15);

    /// <summary>The default of <see cref="IdleTime"/>.</summary>
    public static readonly TimeSpan DefaultIdleTime = TimeSpan.FromSeconds(130);

    /// <summary>The default of <see cref="Grace"/>.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(5);

    /// <summary>The default of <see cref="MinBytesPerSecond"/>: well below any connection of today, and enough to be rid of who does not read within minutes.</summary>
    public const int DefaultMinBytesPerSecond = 1024;

    /// <summary>The longest request line in bytes; a longer one is answered 414.</summary>
    public const int MaxRequestLineBytes = 8 * 1024;

    /// <summary>The maximum total size of all headers in bytes; larger ones are answered 431.</summary>
    public const int MaxHeaderBytes = 32 * 1024;

    /// <summary>The most headers; more are answered 431.</summary>
    public const int MaxHeaders = 100;

    /// <summary>The largest body that is read to its end, although the handlers refuse at their own, smaller limit: so its sender gets to see the answer.</summary>
    public const long MaxDrainedBodyBytes = 64 * 1024 * 1024;

    private const int MostConnections = 20_000;

    /// <summary>Gets how long the headers of a request may take, from its first byte. Default 15 seconds; then 408.</summary>
    public TimeSpan HeaderTime { get; init; } = DefaultHeaderTime;

    /// <summary>Gets how long a connection may be open without a request. Default 130 seconds; then it is closed.</summary>
    public TimeSpan IdleTime { get; init; } = DefaultIdleTime;

    /// <summary>
    /// Gets the slowest rate, in bytes a second, at which a body may come and an answer may be read. Default 1,024; then 408, or the connection is reset.
    /// It is measured only while the host waits for the client, so a stream without news is not cut.
    /// </summary>
    public double MinBytesPerSecond { get; init; } = DefaultMinBytesPerSecond;

    /// <summary>Gets how long a body or an answer may be slower than <see cref="MinBytesPerSecond"/>. Default 5 seconds; more than one second.</summary>
    public TimeSpan Grace { get; init; } = DefaultGrace;

    /// <summary>
    /// Gets how many connections may be open at a time, from 1. Default: half of what the process may have open, at most 20,000, so that the data file and the
    /// connections to models always find room.
    /// </summary>
    public int MaxConnections { get; init; } = Math.Clamp(OpenFiles.Limit / 2, 1, MostConnections);

    /// <summary>Gets how many sockets of clients may be open, those that are just closing included: a quarter more than <see cref="MaxConnections"/>.</summary>
    public int MaxSockets => MaxConnections + Math.Max(MaxConnections / 4, 1);

    /// <summary>Gets how many bytes the bodies of all requests under way may have together. Default 128 MB.</summary>
    public long MaxUploadBytes { get; init; } = PolyphonyOptions.DefaultMaxUploadBytes;

    /// <summary>Gets how many activities may run at a time; each may hold a connection to a model. Default: a quarter of what the process may have open, at most 1,000.</summary>
    public int MaxActivities { get; init; } = Math.Clamp(OpenFiles.Limit / 4, 1, EngineOptions.DefaultMaxConcurrentActivities);

    /// <summary>Sets a web server up.</summary>
    /// <param name="limits">Its limits.</param>
    public void Apply(KestrelServerLimits limits)
    {
        limits.MaxRequestLineSize = MaxRequestLineBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxRequestHeaderCount = MaxHeaders;
        limits.MaxRequestBodySize = MaxDrainedBodyBytes;

        // The gate counts; a limit of the server would refuse whoever comes last.
        limits.MaxConcurrentConnections = null;
        limits.RequestHeadersTimeout = HeaderTime;
        limits.KeepAliveTimeout = IdleTime;
        limits.MinRequestBodyDataRate = new MinDataRate(MinBytesPerSecond, Grace);
        limits.MinResponseDataRate = new MinDataRate(MinBytesPerSecond, Grace);
    }
}
