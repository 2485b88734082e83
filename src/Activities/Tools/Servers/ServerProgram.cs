using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>The program of a server: it speaks over its standard input and output, in lines of JSON. Of the host's environment it sees what every program needs, and what the settings pass on.</summary>
internal sealed class ServerProgram : IAsyncDisposable
{
    private const int KeptLines = 5;
    private const int LongestLine = 300;
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(3);

    private static readonly string[] CommonVariables = OperatingSystem.IsWindows()
        ? ["APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE"]
        : ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"];

    private readonly Process _process;
    private readonly Queue<string> _lines = new();
    private readonly string _name;
    private readonly ILogger _log;
    private int _isDisposed;

    private ServerProgram(string name, Process process, long largestMessage, ILogger log)
    {
        _name = name;
        _process = process;
        _log = log;
        Output = new BoundedLines(process.StandardOutput.BaseStream, largestMessage);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginErrorReadLine();
    }

    /// <summary>Gets what the program reads.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>Gets what it writes.</summary>
    public Stream Output { get; }

    /// <summary>Gets a value indicating whether it has ended.</summary>
    public bool HasExited => Volatile.Read(ref _isDisposed) != 0 || _process.HasExited;

    /// <summary>Gets how it ended; <see langword="null"/> while it runs.</summary>
    public string? Ending
    {
        get
        {
            if (Volatile.Read(ref _isDisposed) != 0 || !_process.HasExited)
            {
                return null;
            }

            lock (_lines)
            {
                return $"the program ended with exit code {_process.ExitCode}{(_lines.Count == 0 ? "" : $" ({string.Join(" / ", _lines)})")}";
            }
        }
    }

    /// <summary>Starts a program.</summary>
    /// <param name="name">The server's name.</param>
    /// <param name="server">The server.</param>
    /// <param name="variable">Reads an environment variable that has to be there.</param>
    /// <param name="log">The log.</param>
    /// <returns>The program.</returns>
    /// <exception cref="IOException">It can't be started.</exception>
    public static ServerProgram Start(string name, ToolServer server, Func<string, string> variable, ILogger log)
    {
        var start = new ProcessStartInfo
        {
            FileName = server.Command!,
            WorkingDirectory = server.Folder ?? Environment.CurrentDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        if (OperatingSystem.IsWindows())
        {
            // Many of these programs are scripts, which only a shell finds and runs.
            start.FileName = "cmd.exe";
            start.ArgumentList.Add("/c");
            start.ArgumentList.Add(server.Command!);
        }

        foreach (var argument in server.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var common = CommonVariables.Where(start.Environment.ContainsKey).Select(each => KeyValuePair.Create(each, start.Environment[each]!)).ToList();
        start.Environment.Clear();
        foreach (var (key, value) in (KeyValuePair<string, string>[])[.. common, .. server.PassVariables.Select(each => KeyValuePair.Create(each, variable(each))), .. server.Environment])
        {
            start.Environment[key] = value;
        }

        try
        {
            return new ServerProgram(name, Process.Start(start)!, ServerAddress.LargestMessage(server), log);
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException)
        {
            throw new IOException($"\"{server.Command}\" can't be started: {exception.Message}", exception);
        }
    }

    /// <summary>Waits a moment for the end.</summary>
    /// <param name="time">How long.</param>
    /// <returns>How it ended; <see langword="null"/> if it goes on.</returns>
    public async Task<string?> EndingSoonAsync(TimeSpan time)
    {
        if (Volatile.Read(ref _isDisposed) == 0)
        {
            using var limit = new CancellationTokenSource(time);
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Ending;
    }

    /// <summary>Ends it: first by the end of its input, as the protocol has it, and after a moment for good, with whatever it has started.</summary>
    /// <returns>A task that completes when it has ended.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            return;
        }

        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not read any more.
        }

        await EndingSoonAsync(EndTime);
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        try
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has just ended.
        }

        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is not { Length: > 0 })
        {
            return;
        }

        line = ErrorText.Shorten(line, LongestLine);
        _log.ToolServerSaid(_name, line);
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
            {
                _lines.Dequeue();
            }
        }
    }
}
