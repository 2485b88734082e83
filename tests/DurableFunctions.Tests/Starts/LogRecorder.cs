using Microsoft.Extensions.Logging;

namespace Polyphony.DurableFunctions.Tests.Starts;

/// <summary>Keeps what is logged.</summary>
internal sealed class LogRecorder<T> : ILogger<T>
{
    private readonly List<(LogLevel Level, string Text)> _entries = [];

    public IReadOnlyList<(LogLevel Level, string Text)> Entries
    {
        get
        {
            lock (_entries)
            {
                return [.. _entries];
            }
        }
    }

    /// <summary>All that is seen without asking for values.</summary>
    public string Visible => string.Join('\n', Entries.Where(entry => entry.Level > LogLevel.Trace).Select(entry => entry.Text));

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_entries)
        {
            _entries.Add((logLevel, formatter(state, exception)));
        }
    }
}
