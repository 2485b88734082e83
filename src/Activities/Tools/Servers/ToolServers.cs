using Microsoft.Extensions.Logging;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>The tool servers of a host. Each is started or reached when one of its tools is first needed, and again when it has gone; all are let go when the host stops. Thread-safe.</summary>
internal sealed class ToolServers : IToolSource, IAsyncDisposable
{
    private readonly SortedDictionary<string, ToolServerConnection> _connections = new(StringComparer.Ordinal);

    /// <summary>Makes the servers.</summary>
    /// <param name="settings">What the host's settings say of them.</param>
    /// <param name="timeProvider">The clock, for waits between connections.</param>
    /// <param name="loggerFactory">Makes the logger.</param>
    /// <param name="variable">Reads an environment variable. Default: that of the process.</param>
    public ToolServers(ToolSettings settings, TimeProvider timeProvider, ILoggerFactory loggerFactory, Func<string, string?>? variable = null)
    {
        var log = loggerFactory.ForActivities();
        foreach (var (name, server) in settings.Servers)
        {
            _connections.Add(name, new ToolServerConnection(name, server, timeProvider, log, variable ?? Environment.GetEnvironmentVariable));
        }
    }

    /// <summary>Gets the names of the servers, sorted.</summary>
    public IReadOnlyCollection<string> Names => _connections.Keys;

    /// <summary>Gets the server that a tool's name is of: what stands before its first dot.</summary>
    /// <param name="tool">The tool's name.</param>
    /// <returns>The server's name; <see langword="null"/> if the name has no dot.</returns>
    public static string? ServerOf(string tool) => tool.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? tool[..dot] : null;

    /// <inheritdoc/>
    public async ValueTask<ResolvedTool?> FindAsync(WorkflowDefinition workflow, string name, CancellationToken cancellationToken)
    {
        if (ServerOf(name) is not { } server)
        {
            return null;
        }

        if (!_connections.TryGetValue(server, out var connection))
        {
            throw new ModelException(new CallError(
                ErrorCodes.ToolNotFound,
                $"The tool \"{name}\" is one of the tool server \"{server}\", which this host does not have. It has {(_connections.Count == 0 ? "none" : string.Join(", ", _connections.Keys))}.",
                ErrorKind.Terminal));
        }

        return await connection.GetAsync(name[(server.Length + 1)..], cancellationToken);
    }

    /// <summary>Asks a server for its tools.</summary>
    /// <param name="server">The server's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tools, by the names that workflows have for them, and why others can't be used.</returns>
    /// <exception cref="ModelException">It can't be started or reached.</exception>
    public async Task<ToolList> ListAsync(string server, CancellationToken cancellationToken) => await _connections[server].ListAsync(cancellationToken);

    /// <summary>Gets from when on a server may be started or reached again; for tests.</summary>
    /// <param name="server">The server's name.</param>
    internal DateTimeOffset NextAttempt(string server) => _connections[server].NextAttempt;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_connections.Values.Select(connection => connection.DisposeAsync().AsTask()));
}
