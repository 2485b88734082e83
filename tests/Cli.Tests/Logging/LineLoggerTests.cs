using Microsoft.Extensions.Logging;
using Polyphony.Cli.Logging;
using Polyphony.TestKit.Clocks;

namespace Polyphony.Cli.Tests.Logging;

[Trait("Row", "H9")]
public sealed class LineLoggerTests
{
    [Fact]
    public void Log_WhateverTheTextHolds_IsOneShortLineWithoutControlCharacters()
    {
        var lines = new List<string>();
        using var provider = new LineLoggerProvider(lines.Add, new FakeClock(), withTraces: true);
        var log = provider.CreateLogger("Test");

        log.Log(LogLevel.Error, new EventId(7), "forged\n2026-01-01 00:00:00.000Z Critical Forged [1]\r\u001b[31m\u202e\u2028\u0085", new InvalidOperationException("first\nsecond"), (text, _) => text);
        log.Log(LogLevel.Error, new EventId(8), new string('x', 100_000), null, (text, _) => text);

        Assert.Equal(2, lines.Count);
        Assert.Contains("Error Test [7] forged\\n2026-01-01 00:00:00.000Z Critical Forged [1]\\r\\u001b[31m\\u202e\\u2028\\u0085 | System.InvalidOperationException: first\\nsecond", lines[0], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.DoesNotContain(line, char.IsControl));
        Assert.InRange(lines[1].Length, 8000, 8300);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Log_Exception_HasItsTraceInTheFileAlone(bool withTraces)
    {
        var lines = new List<string>();
        using var provider = new LineLoggerProvider(lines.Add, new FakeClock(), withTraces);

        try
        {
            throw new InvalidOperationException("what happened");
        }
        catch (InvalidOperationException e)
        {
            provider.CreateLogger("Test").Log(LogLevel.Error, new EventId(7), "It failed", e, (text, _) => text);
        }

        Assert.Equal(withTraces, Assert.Single(lines).Contains($"at {typeof(LineLoggerTests).FullName}.{nameof(Log_Exception_HasItsTraceInTheFileAlone)}", StringComparison.Ordinal));
        Assert.Contains("InvalidOperationException: what happened", lines[0], StringComparison.Ordinal);
    }
}
