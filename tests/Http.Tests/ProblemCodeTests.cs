using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Tests;

/// <summary>The codes that requests are answered with: one table, and the same in every document.</summary>
[Trait("Row", "H1")]
public sealed partial class ProblemCodeTests
{
    // Codes of exceptions that end before any answer, or inside of a run: no request is answered with them.
    private static readonly HashSet<string> NotOfHttp = new(StringComparer.Ordinal)
    {
        // The host does not start.
        "api_key_invalid", "data_file_missing", "data_file_version", "data_file_log_missing", "data_file_log_foreign", "data_folder_in_use", "invalid_options", "prices_invalid", "settings_invalid",

        // Commands of the tool.
        "backup_exists", "backup_failed",

        // Failures of runs, which the status shows.
        "agent_not_found", "definition_not_found", "expression_error", "expression_site_unknown", "items_lost", "ledger_step_unknown", "node_not_found", "non_deterministic", "pack_list_expected", "pack_mode_unknown", "state_damaged", "state_not_packed", "task_failed", "tool_failed",
        "unknown_entity", "unknown_orchestration", "value_too_deep", "variable_missing", "simulated_crash",

        // Of code that calls the engine: the API checks the same before, with codes of its own.
        "invalid_page_size", "invalid_instance_id", "invalid_entity_id", "invalid_tags",
    };

    private static readonly IReadOnlyCollection<string> Codes =
        [.. typeof(ProblemCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!), Core.Definitions.EndpointPolicy.Code];

    [Fact]
    public void Table_HasEveryCodeAndNoOther()
    {
        var thrown = Directory.EnumerateFiles(Path.Combine(HostFixture.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(file => Projects().IsMatch(Path.GetRelativePath(Path.Combine(HostFixture.Root, "src"), file)))
            .SelectMany(file => Thrown().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups["code"].Value)
            .Distinct(StringComparer.Ordinal)
            .Except(NotOfHttp)
            .Except(Codes)
            .Order(StringComparer.Ordinal);

        Assert.Empty(thrown);
        Assert.Equal(Codes.Order(StringComparer.Ordinal), ProblemTable.Codes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Documents_HaveEveryCodeWithItsStatus()
    {
        var docs = await File.ReadAllTextAsync(Path.Combine(HostFixture.Root, "docs", "http.md"), TestContext.Current.CancellationToken);
        var api = await File.ReadAllTextAsync(Path.Combine(HostFixture.Root, "docs", "openapi.json"), TestContext.Current.CancellationToken);
        var errors = docs[docs.IndexOf("| status | codes |", StringComparison.Ordinal)..];
        errors = errors[..errors.IndexOf("\n\n", StringComparison.Ordinal)];
        var responses = JsonElement.Parse(api).GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject())
            .SelectMany(method => method.Value.GetProperty("responses").EnumerateObject())
            .Select(response => (response.Name, Text: response.Value.GetProperty("description").GetString()!)).ToList();

        foreach (var code in ProblemTable.Codes)
        {
            var status = ProblemTable.StatusOf(code).ToString(CultureInfo.InvariantCulture);
            Assert.True(errors.Split('\n').Any(line => line.Split('|') is [_, var statuses, ..] && statuses.Contains(status, StringComparison.Ordinal) && line.Contains($"`{code}`", StringComparison.Ordinal)), $"docs/http.md lacks {status} {code}.");
            Assert.True(
                code is ProblemCodes.NotFound or ProblemCodes.MethodNotAllowed
                    ? api.Contains($"{status} {code}", StringComparison.Ordinal)
                    : responses.Any(response => response.Name == status && Words().Matches(response.Text).Any(word => word.Value == code)),
                $"docs/openapi.json lacks {status} {code}.");
        }
    }

    [Theory]
    [InlineData("data_file_full", 503)]
    [InlineData("data_file_locked", 503)]
    [InlineData("data_file_read_only", 503)]
    [InlineData("data_file_gone", 503)]
    [InlineData("data_file_failed", 503)]
    [InlineData("data_file_corrupt", 500)]
    [InlineData("engine_stopped", 503)]
    [InlineData("instance_damaged", 500)]
    [InlineData("unheard_of", 500)]
    public async Task Refuse_WhatIsKnown_IsOneLineAndASurpriseHasItsTrace(string code, int status)
    {
        var logged = new List<(LogLevel Level, string Text, Exception? Exception)>();
        await using var services = new ServiceCollection().AddSingleton<ILoggerFactory>(new Recorder(logged)).BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        context.Request.Path = "/api/instances";
        context.Request.Method = "GET";

        var result = await Guard.Run(context, () => throw new PolyphonyException(code, "What happened. What to do."));

        var surprise = code == "unheard_of";
        var problem = Assert.IsType<ProblemDocument>(Assert.IsType<ProblemResult>(result).Value);
        Assert.Equal((status, surprise ? "internal_error" : code), (problem.Status, problem.Code));
        var (level, text, exception) = Assert.Single(logged);
        Assert.Equal((surprise ? LogLevel.Error : LogLevel.Warning, surprise), (level, exception is not null));
        if (!surprise)
        {
            Assert.Equal($"GET /api/instances was refused with {code}: What happened. What to do.", text);
        }
    }

    [GeneratedRegex("""(?:PolyphonyException\(|base\(|const string \w*Code = |\bnew\(|=> new\()\s*"(?<code>[a-z]+(?:_[a-z]+)+)"\s*[,;]""", RegexOptions.None, 1000)]
    private static partial Regex Thrown();

    [GeneratedRegex("^(Core.(Client|Durable|Json|Payloads|Interpreter|Expressions)|Engine|Http|Cli)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Projects();

    [GeneratedRegex("[a-z_]+", RegexOptions.None, 1000)]
    private static partial Regex Words();

    private sealed class Recorder(List<(LogLevel Level, string Text, Exception? Exception)> logged) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logged.Add((logLevel, formatter(state, exception), exception));
    }
}
