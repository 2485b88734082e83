using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>A server while it is connected, and what it has told of its tools.</summary>
internal sealed class ToolServerSession : IAsyncDisposable
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(1);

    private readonly ToolServerConnection _connection;
    private readonly TimeProvider _timeProvider;
    private readonly ServerProgram? _program;
    private string? _abandoned;

    private ToolServerSession(ToolServerConnection connection, McpClient client, ServerProgram? program, TimeProvider timeProvider)
    {
        _connection = connection;
        Client = client;
        _program = program;
        _timeProvider = timeProvider;
        ConnectedTime = timeProvider.GetUtcNow();
    }

    /// <summary>Gets the client.</summary>
    public McpClient Client { get; }

    /// <summary>Gets when it was connected.</summary>
    public DateTimeOffset ConnectedTime { get; }

    /// <summary>Gets the tools.</summary>
    public ToolList List { get; private set; } = new(new Dictionary<string, ResolvedTool>(), new Dictionary<string, string>());

    /// <summary>Gets when the server was asked for them.</summary>
    public DateTimeOffset ListedTime { get; private set; }

    /// <summary>Gets a value indicating whether calls can be made.</summary>
    public bool IsOpen => _abandoned is null && !Client.Completion.IsCompleted && _program?.HasExited != true;

    /// <summary>Gets why no calls can be made any more.</summary>
    public string Ending => _abandoned ?? _program?.Ending ?? "the connection was closed";

    /// <summary>Connects.</summary>
    /// <param name="connection">What asks for it.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="log">The log.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The session, with the tools.</returns>
    public static async Task<ToolServerSession> OpenAsync(
        ToolServerConnection connection, TimeProvider timeProvider, ILogger log, Func<string, string?> variable, CancellationToken cancellationToken)
    {
        var server = connection.Server;
        var program = server.Url is null ? ServerProgram.Start(connection.Name, server, name => Required(connection.Name, name, variable), log) : null;
        ToolServerSession? session = null;
        try
        {
            IClientTransport transport = program is not null
                ? new StreamClientTransport(program.Input, program.Output)
                : ServerAddress.Transport(connection.Name, server, server.ApiKeyVariable is { } key ? Required(connection.Name, key, variable) : null);
            var options = new McpClientOptions { ClientInfo = new Implementation { Name = "polyphony", Version = typeof(ToolServerSession).Assembly.GetName().Version!.ToString(3) } };
            session = new ToolServerSession(connection, await McpClient.CreateAsync(transport, options, loggerFactory: null, cancellationToken), program, timeProvider);
            await session.ListAgainAsync(cancellationToken);
            return session;
        }
        catch (Exception exception)
        {
            var ending = program is null ? null : await program.EndingSoonAsync(SettleTime);
            if (session is not null)
            {
                await session.DisposeAsync();
            }
            else if (program is not null)
            {
                await program.DisposeAsync();
            }

            if (ending is not null && !cancellationToken.IsCancellationRequested)
            {
                throw new ServerEndedException(ending, exception);
            }

            throw;
        }
    }

    /// <summary>Asks for the tools again.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The tools.</returns>
    public async Task<ToolList> ListAgainAsync(CancellationToken cancellationToken)
    {
        List = await ToolList.ReadAsync(Client, _connection, cancellationToken);
        ListedTime = _timeProvider.GetUtcNow();
        return List;
    }

    /// <summary>Makes no further calls.</summary>
    /// <param name="why">Why.</param>
    public void Abandon(string why) => _abandoned ??= why;

    /// <summary>Waits a moment for the end of a session whose call has just failed, so that the next call knows.</summary>
    /// <returns>A task that completes when it has ended, or the moment is over.</returns>
    public async Task SettleAsync()
    {
        if (_program is not null)
        {
            await _program.EndingSoonAsync(SettleTime);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Abandon("it was closed");
        try
        {
            await Client.DisposeAsync();
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone either way.
        }

        if (_program is not null)
        {
            await _program.DisposeAsync();
        }
    }

    private static string Required(string server, string name, Func<string, string?> variable) => variable(name) is { Length: > 0 } value ? value : throw new ModelException(new CallError(
        ErrorCodes.Authentication, $"The tool server \"{server}\" needs the environment variable {name} of the host, which is not set.", ErrorKind.Terminal));
}

/// <summary>The program of a server ended before it could be used.</summary>
/// <param name="how">How it ended.</param>
/// <param name="innerException">What was seen of it.</param>
internal sealed class ServerEndedException(string how, Exception innerException) : IOException(how, innerException);
