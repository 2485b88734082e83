using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Polyphony.Cli.Hosting;

/// <summary>
/// Keeps the number of open connections below a limit. A connection beyond it takes the place of one that has no request: first of those that never
/// had one, the oldest first, then of those whose last request is longest ago. When all have one, it is answered 503. Thread-safe.
/// </summary>
/// <remarks>So connections that say nothing displace each other, and a client that sends its request is served however many there are.</remarks>
internal sealed partial class ConnectionGate(int limit, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);
    private static readonly object Key = new();

    private static readonly byte[] Refusal = Answer();

    private readonly Lock _gate = new();
    private readonly LinkedList<Guest> _silent = new();
    private readonly LinkedList<Guest> _idle = new();
    private long? _warned;
    private int _open;
    private int _leaving;

    /// <summary>Gets how many connections are open.</summary>
    internal int Open
    {
        get
        {
            lock (_gate)
            {
                return _open;
            }
        }
    }

    /// <summary>Takes a connection from its beginning to its end.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="serve">Serves it.</param>
    /// <returns>A task that completes when it is closed.</returns>
    internal async Task RunAsync(ConnectionContext connection, ConnectionDelegate serve)
    {
        var guest = new Guest(connection);
        Guest? leaves = null;
        bool admitted;
        lock (_gate)
        {
            if (_open - _leaving < limit)
            {
                admitted = true;
            }
            else
            {
                leaves = (_silent.First ?? _idle.First)?.Value;
                admitted = leaves is not null;
                Warn();
            }

            if (leaves is not null)
            {
                leaves.Place!.List!.Remove(leaves.Place);
                leaves.Place = null;
                leaves.Leaves = true;
                _leaving++;
            }

            if (admitted)
            {
                _open++;
                guest.Place = _silent.AddLast(guest);
            }
        }

        leaves?.Connection.Abort(new ConnectionAbortedException("Others need its place."));
        if (!admitted)
        {
            await connection.Transport.Output.WriteAsync(Refusal);
            return;
        }

        connection.Items[Key] = guest;
        try
        {
            await serve(connection);
        }
        finally
        {
            lock (_gate)
            {
                _open--;
                _leaving -= guest.Leaves ? 1 : 0;
                guest.Place?.List!.Remove(guest.Place);
                guest.Place = null;
            }
        }
    }

    /// <summary>Keeps a connection its place while it has a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">Handles it.</param>
    /// <returns>A task that completes when it is answered.</returns>
    internal async Task RunRequestAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(Key, out var item) != true || item is not Guest guest)
        {
            await next(context);
            return;
        }

        lock (_gate)
        {
            guest.Requests++;
            guest.Place?.List!.Remove(guest.Place);
            guest.Place = null;
        }

        try
        {
            await next(context);
        }
        finally
        {
            lock (_gate)
            {
                if (--guest.Requests == 0 && !guest.Leaves)
                {
                    guest.Place = _idle.AddLast(guest);
                }
            }
        }
    }

    private static byte[] Answer()
    {
        const string body = """
            {"type":"urn:polyphony:problem:too_many_connections","title":"The host has too many connections","status":503,"code":"too_many_connections","detail":"Every connection that this host can hold is in use. Try again in a moment."}
            """;
        return Encoding.ASCII.GetBytes(
            $"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: {body.Length}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{body}");
    }

    private void Warn()
    {
        if (_warned is { } last && clock.GetElapsedTime(last) < BetweenWarnings)
        {
            return;
        }

        _warned = clock.GetTimestamp();
        LogLimitReached(logger, limit);
    }

    [LoggerMessage(5000, LogLevel.Warning, "{Limit} connections are open, as many as the limit of open files allows; those without a request make room for new ones")]
    private static partial void LogLimitReached(ILogger logger, int limit);

    private sealed class Guest(ConnectionContext connection)
    {
        public ConnectionContext Connection { get; } = connection;

        /// <summary>Gets or sets its place among those that may be asked to leave.</summary>
        public LinkedListNode<Guest>? Place { get; set; }

        public int Requests { get; set; }

        public bool Leaves { get; set; }
    }
}
