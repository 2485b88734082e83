using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Polyphony.Load.Tests;

/// <summary>The real host, <c>polyphony up</c>, in a process of its own on a folder of its own.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly StringBuilder _said = new();
    private readonly TaskCompletionSource<Uri> _serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _knowsAddress;

    private HostProcess(Process process) => _process = process;

    /// <summary>Gets what it said so far, but no more than the start of it.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    /// <summary>Starts the host of a folder: <c>data</c>, <c>workflows</c> and <c>files</c> lie in it.</summary>
    public static HostProcess Start(string folder, params (string Name, string Value)[] environment) => Run(
        folder,
        [
            Path.Combine(AppContext.BaseDirectory, "polyphony.dll"), "up", "--port", "0",
            "--data", Path.Combine(folder, "data"), "--workflows", Path.Combine(folder, "workflows"), "--files", Path.Combine(folder, "files"),
        ],
        environment);

    /// <summary>Starts an app of this assembly.</summary>
    public static HostProcess StartApp(string folder, params string[] arguments) => Run(folder, [typeof(HostProcess).Assembly.Location, .. arguments], []);

    private static HostProcess Run(string folder, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the machine is set to must not reach the test.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("POLYPHONY_", StringComparison.Ordinal) || name.Contains("OPENAI_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var host = new HostProcess(new Process { StartInfo = start });
        host._process.ErrorDataReceived += (_, line) => host.Hear(line.Data);
        host._process.OutputDataReceived += (_, line) => host.Hear(line.Data);
        host._process.Start();
        host._process.BeginErrorReadLine();
        host._process.BeginOutputReadLine();
        return host;
    }

    /// <summary>Waits until it serves.</summary>
    public async Task<Uri> AddressAsync()
    {
        var ended = _process.WaitForExitAsync();
        if (await Task.WhenAny(_serving.Task, ended).WaitAsync(Limit) == ended && !_serving.Task.IsCompleted)
        {
            throw new InvalidOperationException($"The host ended with code {_process.ExitCode} before it served. It said:\n{Said}");
        }

        return await _serving.Task;
    }

    /// <summary>Kills it with SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limit);
    }

    /// <summary>Asks it to end, with SIGTERM, and returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        return await EndAsync();
    }

    /// <summary>Waits until it ends by itself, and returns its exit code.</summary>
    public async Task<int> EndAsync()
    {
        // Waiting without a limit of time is what reads the output to its end.
        using var limit = new CancellationTokenSource(Limit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Reads what the system knows of it: memory, threads, open files and connections.</summary>
    public ProcessFigures Measure() => ProcessFigures.Read(_process.Id);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        const int most = 100_000;
        if (line is null)
        {
            return;
        }

        lock (_said)
        {
            if (_said.Length < most)
            {
                _said.Append(line).Append('\n');
            }

            // The address stands in the first line of the greeting; after the last one everything is ready.
            if (!_knowsAddress && line.StartsWith("Ctrl-C stops it", StringComparison.Ordinal))
            {
                _knowsAddress = true;
                _serving.SetResult(new Uri(_said.ToString().Split("Polyphony serves ")[1].Split('\n')[0]));
            }
        }
    }
}
