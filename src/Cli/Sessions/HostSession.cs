using Polyphony.Cli.Hosting;
using Polyphony.Engine;
using Polyphony.Http.Hosting;

namespace Polyphony.Cli.Sessions;

/// <summary>
/// The host of a data folder, for one command: that of another process if one has the folder, otherwise one in this process. If the
/// other one ends, the session continues with the next, or takes over.
/// </summary>
internal sealed class HostSession : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private readonly HostOptions _options;

    private HostSession(HostOptions options) => _options = options;

    /// <summary>Gets the host in this process, or <see langword="null"/> if another process has the data folder.</summary>
    public EmbeddedHost? Own { get; private set; }

    /// <summary>Gets the client of the host.</summary>
    public HostClient Client { get; private set; } = null!;

    /// <summary>Finds the host of a data folder, or starts one.</summary>
    /// <param name="options">How a host of this process would run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The session.</returns>
    /// <exception cref="CliException">No host can be reached or started.</exception>
    public static async Task<HostSession> OpenAsync(HostOptions options, CancellationToken cancellationToken)
    {
        AccessOptions.CheckKey(options.ApiKey);
        var session = new HostSession(options);
        await session.ConnectAsync(cancellationToken);
        return session;
    }

    /// <summary>Continues after the host was lost.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A task that completes when there is a host again.</returns>
    /// <exception cref="CliException">No host can be reached or started.</exception>
    public async Task ReconnectAsync(CancellationToken cancellationToken)
    {
        if (Own is not null)
        {
            // It was in this process: what stopped it would stop the next.
            await Own.Completion;
            throw CliException.Host($"The host has stopped. What was committed is safe; {_options.Settings.LogFile} says why.");
        }

        Client.Dispose();
        await ConnectAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (Own is not null)
        {
            await Own.DisposeAsync();
        }
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var owner = EngineOwner.Read(_options.Settings.DataFile);
            if (owner is null)
            {
                if (await TryOwnAsync(cancellationToken))
                {
                    return;
                }
            }
            else if (Uri.TryCreate(owner.Note, UriKind.Absolute, out var address))
            {
                var client = new HostClient(address, _options.Settings.ApiKey, OwnerToken.Read(_options.Settings));
                if (await client.IsLiveAsync(PingLimit, cancellationToken))
                {
                    Client = client;
                    return;
                }

                client.Dispose();
            }

            // The owner is starting or ending; or it hangs, and then it is not for us to take its data away.
            if (TimeProvider.System.GetElapsedTime(begun) > Patience)
            {
                throw CliException.Host(owner is null
                    ? $"The data folder \"{_options.Settings.DataFolder}\" is in use, and its owner cannot be read. Try again, or choose another with --data."
                    : $"Process {owner.ProcessId} on {owner.Host} has had the data folder \"{_options.Settings.DataFolder}\" since {owner.Since:u}, and does not answer{(owner.Note is null ? "" : $" at {owner.Note}")}. Stop it, or choose another folder with --data.");
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    private async Task<bool> TryOwnAsync(CancellationToken cancellationToken)
    {
        try
        {
            Own = await EmbeddedHost.StartAsync(_options, cancellationToken);
        }
        catch (DataFolderInUseException)
        {
            // Somebody else was quicker.
            return false;
        }

        Client = new HostClient(Own.Address, _options.ApiKey, Own.OwnerToken);
        return true;
    }
}
