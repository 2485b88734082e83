using System.Diagnostics;
using System.Text;
using Polyphony.DurableFunctions.Tests.Storage;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>A worker on a task hub, in a process of its own: this assembly, started with <see cref="Command"/>.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    public const string Command = "work-on";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private readonly Process _process;
    private readonly StringBuilder _said = new();

    private WorkerProcess(Process process) => _process = process;

    /// <summary>Starts one.</summary>
    /// <param name="hub">The task hub.</param>
    /// <param name="arguments">What else the process is told.</param>
    public static WorkerProcess Start(AzureStorageTaskHub hub, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(WorkerProcess).Assembly.Location, Command, hub.Name, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[TestContainer.Variable] = TestContainer.Connection;
        var worker = new WorkerProcess(new Process { StartInfo = start });
        worker._process.OutputDataReceived += (_, line) => worker.Hear(line.Data);
        worker._process.ErrorDataReceived += (_, line) => worker.Hear(line.Data);
        worker._process.Start();
        worker._process.BeginOutputReadLine();
        worker._process.BeginErrorReadLine();
        return worker;
    }

    /// <summary>Waits until the world is as expected; fails with what the process said if it ends before, or if that takes minutes.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var begun = Stopwatch.StartNew(); !await condition(); await Task.Delay(50))
        {
            Assert.False(_process.HasExited || begun.Elapsed > 2 * Limit, $"The worker {(_process.HasExited ? "ended" : "did not get so far")}. It said:\n{Said()}");
        }
    }

    /// <summary>Kills it with SIGKILL.</summary>
    public async Task KillAsync()
    {
        Assert.False(_process.HasExited, $"The worker has ended. It said:\n{Said()}");
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limit);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private string Said()
    {
        lock (_said)
        {
            return _said.ToString();
        }
    }

    private void Hear(string? line)
    {
        lock (_said)
        {
            _said.Append(line).Append('\n');
        }
    }
}
