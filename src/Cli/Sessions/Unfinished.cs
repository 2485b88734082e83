namespace Polyphony.Cli.Sessions;

/// <summary>Keeps a host of this process up as long as anything that it runs gets on.</summary>
internal static class Unfinished
{
    private const int QuietLooks = 4;
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(150);

    /// <summary>Stays until every unfinished instance has finished or only waits for people, events, or times more than a minute away.</summary>
    /// <param name="session">The session; with the host of another process there is nothing to stay for.</param>
    /// <param name="cancellationToken">Leaves.</param>
    /// <returns>A task that completes when nothing gets on any more.</returns>
    public static async Task StayAsync(HostSession session, CancellationToken cancellationToken)
    {
        if (session.Own is not { } host)
        {
            return;
        }

        // Several looks in a row, because between two steps of an instance nothing seems to move.
        var said = false;
        for (var quiet = 0; quiet < QuietLooks && host.UnfinishedInstances > 0 && !host.Completion.IsCompleted;)
        {
            quiet = host.IsMoving(Soon) ? 0 : quiet + 1;
            if (quiet == 0 && !said)
            {
                said = true;
                await Console.Error.WriteLineAsync(
                    $"{Count(host.UnfinishedInstances)} of this data folder not finished yet; waiting for them. Ctrl-C leaves them for the next run or up.");
            }

            await Task.Delay(BetweenLooks, cancellationToken);
        }

        if (said && host.UnfinishedInstances > 0)
        {
            await Console.Error.WriteLineAsync($"{Count(host.UnfinishedInstances)} left: waiting for people, events or later times.");
        }
    }

    private static string Count(int instances) => instances == 1 ? "1 instance" : $"{instances} instances";
}
