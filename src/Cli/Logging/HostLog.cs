using Microsoft.Extensions.Logging;
using Polyphony.Cli.Hosting;

namespace Polyphony.Cli.Logging;

/// <summary>Where a host's log goes: to the file of its data folder, and for <c>up</c> to stderr as well, since results go to stdout.</summary>
internal sealed class HostLog : IDisposable
{
    private readonly LogFile? _file;

    private HostLog(LogFile? file, ILoggerFactory factory)
    {
        _file = file;
        Factory = factory;
    }

    public ILoggerFactory Factory { get; }

    /// <summary>Opens the log of a host.</summary>
    /// <param name="options">The host; one whose instances stand still only looks, and writes nothing.</param>
    /// <returns>The log.</returns>
    public static HostLog Open(HostOptions options)
    {
        var file = options.Paused ? null : new LogFile(options.Settings.LogFile, Say, TimeProvider.System);
        return new HostLog(file, LoggerFactory.Create(logging =>
        {
            logging.SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning);
            if (file is not null)
            {
                logging.AddProvider(new LineLoggerProvider(file.Write, TimeProvider.System, withTraces: true));
            }

            if (options.LogToConsole)
            {
                logging.AddProvider(new LineLoggerProvider(Say, TimeProvider.System, withTraces: false));
            }
        }));
    }

    public void Dispose()
    {
        Factory.Dispose();
        _file?.Dispose();
    }

    private static void Say(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (IOException)
        {
            // Nobody reads stderr any more; the file has it.
        }
    }
}
