using System.Globalization;
using Microsoft.Extensions.Logging;
using Polyphony.Cli.Output;

namespace Polyphony.Cli.Logging;

/// <summary>Makes one line of every event, whatever its text holds, and gives it to whoever keeps it.</summary>
/// <param name="write">Takes a line; called by several threads.</param>
/// <param name="clock">The clock.</param>
/// <param name="withTraces">Whether an exception is written with its trace: for a file, and not for a terminal.</param>
internal sealed class LineLoggerProvider(Action<string> write, TimeProvider clock, bool withTraces) : ILoggerProvider
{
    // An address or an exception may be as long as its sender likes.
    private const int MaxCharacters = 8 * 1024;

    public ILogger CreateLogger(string categoryName) => new LineLogger(write, clock, categoryName, withTraces);

    public void Dispose()
    {
        // Whoever keeps the lines outlives this.
    }

    private sealed class LineLogger(Action<string> write, TimeProvider clock, string category, bool withTraces) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var time = clock.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            var text = $"{time} {logLevel} {category} [{eventId.Id}] {formatter(state, exception)}{Describe(exception)}";
            write(PlainText.Line(text.Length <= MaxCharacters ? text : $"{text.AsSpan(0, MaxCharacters)}… ({text.Length:N0} characters)"));
        }

        private string Describe(Exception? exception) =>
            exception is null ? "" : withTraces ? $" | {exception}" : $" | {exception.GetType().Name}: {exception.Message}";
    }
}
