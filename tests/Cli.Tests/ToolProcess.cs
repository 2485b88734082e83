using System.Diagnostics;
using System.Globalization;
using System.Text;
using Polyphony.TestKit;

namespace Polyphony.Cli.Tests;

/// <summary>A run of the real tool in a process of its own.</summary>
internal sealed class ToolProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    private ToolProcess(Process process) => _process = process;

    public static string Root => Repository.Root;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Error
    {
        get
        {
            lock (_error)
            {
                return _error.ToString();
            }
        }
    }

    /// <summary>Starts the tool.</summary>
    public static ToolProcess Start(string data, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "polyphony.dll"), .. arguments])
        {
            WorkingDirectory = Root,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("POLYPHONY_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["POLYPHONY_DATA"] = data;
        start.Environment["POLYPHONY_ROOT"] = Root;
        start.Environment["POLYPHONY_COMMAND"] = "./dev";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var tool = new ToolProcess(new Process { StartInfo = start });
        tool._process.OutputDataReceived += (_, line) => tool.Add(tool._out, line.Data);
        tool._process.ErrorDataReceived += (_, line) => tool.Add(tool._error, line.Data);
        tool._process.Start();
        tool._process.BeginOutputReadLine();
        tool._process.BeginErrorReadLine();
        return tool;
    }

    /// <summary>Runs the tool to its end.</summary>
    public static async Task<(int Code, string Out, string Error)> RunAsync(string data, string[] arguments, params (string Name, string Value)[] environment)
    {
        await using var tool = Start(data, arguments, environment);
        return await tool.EndAsync();
    }

    /// <summary>Waits for the end.</summary>
    public async Task<(int Code, string Out, string Error)> EndAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"The tool did not end within {Limit}. It said:\n{Error}", e);
        }

        lock (_error)
        {
            return (_process.ExitCode, _out.ToString(), _error.ToString());
        }
    }

    /// <summary>Waits until it has said something on stderr.</summary>
    public async Task<string> SaysAsync(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_error)
        {
            if (_error.ToString().Contains(text, StringComparison.Ordinal))
            {
                return _error.ToString();
            }

            _awaited.Add((text, seen));
        }

        if (await Task.WhenAny(seen.Task, _process.WaitForExitAsync(), Task.Delay(Limit)) != seen.Task && !Error.Contains(text, StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The tool did not say \"{text}\". It said:\n{Error}");
        }

        return Error;
    }

    /// <summary>Sends a signal by name, such as <c>INT</c>.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
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

    private void Add(StringBuilder to, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_error)
        {
            to.Append(line).Append('\n');
            if (to == _error)
            {
                foreach (var (_, seen) in _awaited.Where(each => _error.ToString().Contains(each.Text, StringComparison.Ordinal)))
                {
                    seen.TrySetResult();
                }
            }
        }
    }
}
