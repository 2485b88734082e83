using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>
/// The connection to one server: made when it is needed, and made again when it has gone. Nothing runs in between. A server that can't be reached, or goes within a minute, is left alone for a second,
/// and for twice as long each time after that, up to a minute; who needs it meanwhile is told so at once. Thread-safe; calls run side by side.
/// </summary>
/// <param name="name">The server's name.</param>
/// <param name="server">The server.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="log">The log.</param>
/// <param name="variable">Reads an environment variable.</param>
internal sealed class ToolServerConnection(string name, ToolServer server, TimeProvider timeProvider, ILogger log, Func<string, string?> variable) : IAsyncDisposable
{
    /// <summary>The member of a call's <c>_meta</c> that holds its effect key.</summary>
    public const string EffectKeyMember = "polyphony/effectKey";

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StableAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ListAgainAfter = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _gate = new(1);
    private ToolServerSession? _session;
    private int _failures;
    private DateTimeOffset _notBefore;
    private string _lastFailure = "";
    private bool _isDisposed;

    /// <summary>Gets the server's name.</summary>
    public string Name => name;

    /// <summary>Gets the server.</summary>
    public ToolServer Server => server;

    /// <summary>Gets from when on it may be started or reached again.</summary>
    internal DateTimeOffset NextAttempt => _notBefore;

    /// <summary>Finds a tool.</summary>
    /// <param name="tool">The server's name for it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tool.</returns>
    /// <exception cref="ModelException">The server does not have it, or can't be reached.</exception>
    public async ValueTask<ResolvedTool> GetAsync(string tool, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken);
        var list = session.List;
        if (!list.Tools.ContainsKey(tool) && timeProvider.GetUtcNow() - session.ListedTime >= ListAgainAfter)
        {
            list = await ListAgainAsync(session, cancellationToken);
        }

        if (list.Tools.TryGetValue(tool, out var found))
        {
            return found;
        }

        var why = list.Unusable.TryGetValue(tool, out var reason) ? $"can't be used: {reason}" : $"is none of the tool server \"{name}\", which has {(list.Tools.Count == 0 ? "none" : string.Join(", ", list.Tools.Keys))}";
        throw new ModelException(new CallError(ErrorCodes.ToolNotFound, $"The tool \"{name}.{tool}\" {why}.", ErrorKind.Terminal));
    }

    /// <summary>Gets the tools.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tools.</returns>
    /// <exception cref="ModelException">The server can't be reached.</exception>
    public async Task<ToolList> ListAsync(CancellationToken cancellationToken) => (await SessionAsync(cancellationToken)).List;

    /// <summary>Calls a tool.</summary>
    /// <param name="tool">The server's name for it.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="effectKey">The call's effect key; <see langword="null"/> if it belongs to no workflow.</param>
    /// <param name="cancellationToken">Gives it up; the server is told so.</param>
    /// <returns>The result.</returns>
    /// <exception cref="EffectUnknownException">The server says that the call has failed, its result can't be taken, or it went away during the call.</exception>
    /// <exception cref="ModelException">The server can't be reached, or refused the call.</exception>
    public async Task<JsonElement> CallAsync(string tool, IReadOnlyDictionary<string, object?> arguments, string? effectKey, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken);
        var options = effectKey is null ? null : new RequestOptions { Meta = new JsonObject { [EffectKeyMember] = effectKey } };
        try
        {
            return ServerResult.ToJson($"{name}.{tool}", await session.Client.CallToolAsync(tool, arguments, options: options, cancellationToken: cancellationToken), server.MaxBytes);
        }
        catch (McpProtocolException exception) when (!cancellationToken.IsCancellationRequested)
        {
            var code = exception.ErrorCode == McpErrorCode.InvalidParams ? ErrorCodes.ToolArgumentsInvalid : ErrorCodes.ToolFailed;
            var error = new CallError(code, $"The tool server \"{name}\" refused the call of \"{tool}\": {exception.Message}", ErrorKind.Terminal);
            throw exception.ErrorCode is McpErrorCode.InvalidParams or McpErrorCode.MethodNotFound or McpErrorCode.InvalidRequest or McpErrorCode.ParseError
                ? new ModelException(error)
                : new EffectUnknownException(error, isLost: false);
        }
        catch (Exception exception) when (exception is not PolyphonyException && !cancellationToken.IsCancellationRequested)
        {
            throw await LostAsync(session, tool, exception);
        }
    }

    /// <summary>Lets the server go: a program is asked to end, and is ended.</summary>
    /// <returns>A task that completes when it has.</returns>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        try
        {
            _isDisposed = true;
            if (Interlocked.Exchange(ref _session, null) is { } session)
            {
                await session.DisposeAsync();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<ToolServerSession> SessionAsync(CancellationToken cancellationToken)
    {
        if (_session is { IsOpen: true } open)
        {
            return open;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_isDisposed)
            {
                throw Unavailable("The host is stopping");
            }

            if (_session is { } session)
            {
                if (session.IsOpen)
                {
                    return session;
                }

                await CloseAsync(session);
            }

            if (timeProvider.GetUtcNow() < _notBefore)
            {
                throw Unavailable(_lastFailure);
            }

            return _session = await ConnectAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task CloseAsync(ToolServerSession session)
    {
        _session = null;
        log.ToolServerEnded(name);
        log.ToolServerSaid(name, session.Ending);
        if (timeProvider.GetUtcNow() - session.ConnectedTime >= StableAfter)
        {
            _failures = 0;
            _notBefore = default;
        }
        else
        {
            Fail(session.Ending);
        }

        await session.DisposeAsync();
    }

    /// <summary>Closes a session whose call has failed, if it has ended.</summary>
    private async Task RetireAsync(ToolServerSession session)
    {
        await session.SettleAsync();
        await _gate.WaitAsync();
        try
        {
            if (_session == session && !session.IsOpen)
            {
                await CloseAsync(session);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<ToolServerSession> ConnectAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ConnectTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var session = await ToolServerSession.OpenAsync(this, timeProvider, log, variable, either.Token);
            log.ToolServerConnected(name, session.List.Tools.Count);
            return session;
        }
        catch (Exception exception) when (exception is not ModelException && !cancellationToken.IsCancellationRequested)
        {
            var why = limit.IsCancellationRequested ? $"It did not answer within {ConnectTimeout.TotalSeconds:0} s" : exception is ServerEndedException ? exception.Message : exception.GetBaseException().Message;
            Fail(why);
            log.ToolServerUnreachable(name, _notBefore - timeProvider.GetUtcNow());
            log.ToolServerSaid(name, why);
            throw Unavailable(why);
        }
    }

    private async Task<ToolList> ListAgainAsync(ToolServerSession session, CancellationToken cancellationToken)
    {
        try
        {
            return await session.ListAgainAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable(exception.GetBaseException().Message);
        }
    }

    private void Fail(string why)
    {
        var wait = TimeSpan.FromTicks(Math.Min(LongestWait.Ticks, FirstWait.Ticks << Math.Min(_failures, 10)));
        _failures++;
        _notBefore = timeProvider.GetUtcNow() + wait;
        _lastFailure = why;
    }

    private async Task<PolyphonyException> LostAsync(ToolServerSession session, string tool, Exception exception)
    {
        var why = exception.GetBaseException().Message.TrimEnd('.');
        if (exception is HttpRequestException { StatusCode: { } status })
        {
            // A server over HTTP that has forgotten us, or never knew us, has done nothing.
            session.Abandon(why);
            await RetireAsync(session);
            return status is System.Net.HttpStatusCode.Unauthorized or System.Net.HttpStatusCode.Forbidden
                ? new ModelException(new CallError(ErrorCodes.Authentication, $"The tool server \"{name}\" refused the key of the host: {why}.", ErrorKind.Terminal))
                : (int)status is < 500 and not 408 ? Unavailable(why) : Unsure();
        }

        await RetireAsync(session);
        return Unsure();

        EffectUnknownException Unsure() => new(
            new CallError(
                ErrorCodes.ToolServerUnavailable, $"The tool server \"{name}\" was lost during the call of \"{tool}\": {why}. The call may have been carried out.", ErrorKind.Transient),
            isLost: true);
    }

    private ModelException Unavailable(string why) =>
        new(new CallError(ErrorCodes.ToolServerUnavailable, $"The tool server \"{name}\" can't be {(server.Url is null ? "started" : "reached")}: {ErrorText.Shorten(why.TrimEnd('.'), 500)}.", ErrorKind.Transient));
}
