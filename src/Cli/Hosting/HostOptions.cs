using System.Net;
using Polyphony.Http;

namespace Polyphony.Cli.Hosting;

/// <summary>How an embedded host runs.</summary>
internal sealed record HostOptions
{
    /// <summary>Gets where everything lies.</summary>
    public required CliSettings Settings { get; init; }

    /// <summary>Gets the address to listen on. Default: loopback.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>Gets the port; 0 for a free one.</summary>
    public int Port { get; init; }

    /// <summary>Gets a value indicating whether instances stand still: for commands that only read.</summary>
    public bool Paused { get; init; }

    /// <summary>Gets a value indicating whether the host starts what is due: that of a command that ends does not. Default: it does not.</summary>
    public bool RunSchedules { get; init; }

    /// <summary>Gets a value indicating whether the log goes to stderr as well as to the file.</summary>
    public bool LogToConsole { get; init; }

    /// <summary>Gets how slow a client may be, and how much it may send.</summary>
    public ConnectionLimits Connections { get; init; } = new();

    /// <summary>Gets how long a stream may be silent before it sends a comment. Default 15 seconds.</summary>
    public TimeSpan Heartbeat { get; init; } = PolyphonyHttpOptions.DefaultHeartbeat;

    /// <summary>Gets a value indicating whether only this machine can reach the host.</summary>
    public bool LoopbackOnly => IPAddress.IsLoopback(Listen);

    /// <summary>Gets the key that requests must carry: on loopback only if somebody asks for one, elsewhere always.</summary>
    public string? ApiKey => Settings.ApiKey;
}
