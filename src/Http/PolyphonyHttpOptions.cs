using Polyphony.Core.Durable;

namespace Polyphony.Http;

/// <summary>Settings of the HTTP handlers. Read once, when the handlers are created.</summary>
public sealed record PolyphonyHttpOptions
{
    /// <summary>The default of <see cref="MaxBodyBytes"/>: 1 MB.</summary>
    public const int DefaultMaxBodyBytes = 1024 * 1024;

    /// <summary>The header of <see cref="OwnerToken"/>.</summary>
    public const string OwnerHeader = "X-Polyphony-Owner";

    /// <summary>The longest <c>wait</c>.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    /// <summary>The default of <see cref="Heartbeat"/>.</summary>
    public static readonly TimeSpan DefaultHeartbeat = TimeSpan.FromSeconds(15);

    /// <summary>Gets the largest request body in bytes; larger ones are answered 413. Default 1 MB.</summary>
    public int MaxBodyBytes { get; init; } = DefaultMaxBodyBytes;

    /// <summary>Gets how long a stream may be silent before it sends a comment, so that proxies keep it open. Default 15 seconds.</summary>
    public TimeSpan Heartbeat { get; init; } = DefaultHeartbeat;

    /// <summary>
    /// Gets a value indicating whether a caller may start an inline definition: a workflow in the body of the request. A definition decides which tools are called and how much is
    /// spent, so this is for hosts that only their own machine can reach. Default: not allowed.
    /// </summary>
    public bool AllowInlineDefinitions { get; init; }

    /// <summary>
    /// Gets a secret that only the owner of the host can read. An inline definition with it in the header <see cref="OwnerHeader"/> counts as a file that the
    /// owner runs, and may name an endpoint on loopback without a key. Default: none; then every inline definition counts as a caller's.
    /// </summary>
    public string? OwnerToken { get; init; }

    /// <summary>Gets the limits on unfinished instances beyond which callers' starts are answered 429 <c>queue_full</c>. Default: none.</summary>
    public AdmissionLimits Admission { get; init; } = AdmissionLimits.None;

    /// <summary>Gets the clock. Default: the system clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Gets the readiness check: returns why the host cannot serve, or <see langword="null"/>. Default: it can.</summary>
    public Func<string?> NotReadyReason { get; init; } = static () => null;
}
