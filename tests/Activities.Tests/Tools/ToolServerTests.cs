using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;
using Polyphony.TestKit.Clocks;

namespace Polyphony.Activities.Tests.Tools;

/// <summary>Tool servers: a real program that speaks MCP over its standard input and output.</summary>
[Trait("Row", "O12")]
public sealed class ToolServerTests : IAsyncLifetime
{
    private const string Workflow = """
        name: sample
        models: { fast: { provider: offline } }
        agents:
          caller: { model: fast, tools: [test.add, test.echo] }
        nodes:
          ask: { agent: caller, prompt: "Ask." }
        """;

    private static int _calls;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-tools-");
    private readonly FakeClock _clock = new();
    private readonly List<ToolServers> _servers = [];
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<string> _told = Channel.CreateUnbounded<string>();

    private string Diary => Path.Combine(_folder.FullName, "diary.txt");

    public ValueTask InitializeAsync()
    {
        _listener.Start();
        _ = ListenAsync();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var servers in _servers)
        {
            await servers.DisposeAsync();
        }

        _listener.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("test.add", """{"a":2,"b":40}""", """{"sum":42}""")]
    [InlineData("test.echo", """{"text":"grüß \"dich\" 😀"}""", "\"grüß \\\"dich\\\" 😀\"")]
    [InlineData("test.mixed", "{}", """[{"type":"text","text":"a picture"},{"type":"image","mimeType":"image/png","bytes":3,"leftOut":true}]""")]
    public async Task Call_OfAServersTool_GivesItsResultAsJson(string tool, string arguments, string expected)
    {
        var harness = Harness();

        var result = await CallAsync(harness, tool, arguments);

        Assert.Null(result.Error);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), result.Output!.Json!.Value), result.Output.Json.Value.GetRawText());
    }

    [Theory]
    [InlineData("test.add", """{"a":2}""", ErrorCodes.ToolArgumentsInvalid, ErrorKind.Terminal, "b")]
    [InlineData("test.fail", """{"why":"no disk"}""", ErrorCodes.ToolFailed, ErrorKind.Terminal, "It failed: no disk.")]
    [InlineData("test.nothing", "{}", ErrorCodes.ToolNotFound, ErrorKind.Terminal, "which has add, die, echo")]
    [InlineData("test.odd", "{}", ErrorCodes.ToolNotFound, ErrorKind.Terminal, "can't be checked")]
    [InlineData("other.add", "{}", ErrorCodes.ToolNotFound, ErrorKind.Terminal, "which this host does not have. It has test.")]
    [InlineData("test.large", """{"bytes":2000}""", ErrorCodes.ToolFailed, ErrorKind.Terminal, "\"maxBytes\" of the server")]
    public async Task Call_ThatFails_IsToldInWords(string tool, string arguments, string code, ErrorKind kind, string says)
    {
        var harness = Harness(server => server with { MaxBytes = 1_000 });

        var error = (await CallAsync(harness, tool, arguments)).Error!;

        Assert.Equal((code, kind), (error.Code, error.Kind));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "B9")]
    public async Task Call_OfAnActivation_CarriesItsEffectKey()
    {
        var harness = Harness();

        var first = (await CallAsync(harness, "test.key", "{}", "7.0")).Output!.Json!.Value.GetString();
        var second = (await CallAsync(harness, "test.key", "{}", "7.1")).Output!.Json!.Value.GetString();

        Assert.EndsWith("/7.0", first, StringComparison.Ordinal);
        Assert.EndsWith("/7.1", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_LargerThanAnyShouldBe_EndsTheConnection_AndTheNextCallMakesAnother()
    {
        var harness = Harness(server => server with { MaxBytes = 1_000 });

        var lost = await CallAsync(harness, "test.large", """{"bytes":6000000}""");
        _clock.Advance(TimeSpan.FromSeconds(1));
        var next = await CallAsync(harness, "test.add", """{"a":1,"b":1}""");

        Assert.Equal(ToolQuestionKind.Doubt, lost.Question!.Kind);
        Assert.Null(next.Error);
        Assert.Equal(2, Started().Count);
    }

    [Fact]
    public async Task Agent_IsToldOfTheTools_AndItsCallsFindThem()
    {
        var model = new ScriptedChatClient(ScriptedAnswer.Calls(("c1", "test__add", new() { ["a"] = 1, ["b"] = 2 })));
        var harness = Harness(model: model);

        var answer = await harness.AgentAsync(new AgentCall { Scope = harness.Scope("ask"), Agent = "caller", Model = "fast" });
        var round = new ToolRound(answer.ToolCalls!, [await CallAsync(harness, answer.ToolCalls![0].Tool, """{"a":1,"b":2}""")]);
        await harness.AgentAsync(new AgentCall { Scope = harness.Scope("ask"), Agent = "caller", Model = "fast", Call = 2, ToolRounds = [round] });

        Assert.Equal("test.add", answer.ToolCalls[0].Tool);
        var tools = model.Requests[0].Options!.Tools!.Cast<Microsoft.Extensions.AI.AIFunctionDeclaration>().ToList();
        Assert.Equal(["test__add", "test__echo"], tools.Select(tool => tool.Name));
        Assert.Equal(("Adds two numbers.", "a"), (tools[0].Description, tools[0].JsonSchema.GetProperty("required")[0].GetString()));
        var told = model.Requests[1].Messages.SelectMany(message => message.Contents).ToList();
        Assert.Equal("test__add", Assert.Single(told.OfType<Microsoft.Extensions.AI.FunctionCallContent>()).Name);
        Assert.Equal("""{"sum":3}""", Assert.Single(told.OfType<Microsoft.Extensions.AI.FunctionResultContent>()).Result);
    }

    [Fact]
    public async Task Calls_AtTheSameTime_RunSideBySide_OverOneProgram()
    {
        var harness = Harness();

        var results = await Task.WhenAll(CallAsync(harness, "test.meet", "{}", "c1"), CallAsync(harness, "test.meet", "{}", "c2"));

        Assert.All(results, result => Assert.Equal("\"met\"", result.Output!.Json!.Value.GetRawText()));
        Assert.Single(Started());
    }

    [Fact]
    public async Task Call_ThatIsCancelled_IsCancelledAtTheServer()
    {
        var harness = Harness();
        using var stop = new CancellationTokenSource();

        var call = CallAsync(harness, "test.wait", "{}", cancellationToken: stop.Token);
        await DiaryHasAsync("call wait");
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await DiaryHasAsync("cancelled");
        Assert.Null((await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error);
        Assert.Single(Started());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_ThatTakesTooLong_IsMadeAgainIfTheSettingsCallItIdempotent_ElseAPersonIsAsked(bool idempotent)
    {
        var harness = Harness(server => server with { Timeout = TimeSpan.FromSeconds(5), Idempotent = idempotent ? ["wait"] : ["add"] });

        var call = CallAsync(harness, "test.wait", "{}");
        await DiaryHasAsync("call wait");
        harness.Clock.Advance(TimeSpan.FromSeconds(5));
        var result = await call;

        Assert.Equal(idempotent ? (ErrorCodes.Timeout, ErrorKind.Transient, null) : (null, null, ToolQuestionKind.Doubt), (result.Error?.Code, (ErrorKind?)result.Error?.Kind, result.Question?.Kind));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Server_ThatDiesDuringACall_IsStartedAgainAfterAWait(bool idempotent)
    {
        var harness = Harness(server => server with { Idempotent = idempotent ? ["die"] : [] });

        var lost = await CallAsync(harness, "test.die", "{}");
        var soon = (await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error!;
        Assert.Single(Started());
        _clock.Advance(TimeSpan.FromSeconds(1));
        var later = await CallAsync(harness, "test.add", """{"a":1,"b":1}""");

        Assert.Equal(
            idempotent ? (ErrorCodes.ToolServerUnavailable, ErrorKind.Transient, null) : (null, null, ToolQuestionKind.Doubt), (lost.Error?.Code, (ErrorKind?)lost.Error?.Kind, lost.Question?.Kind));
        Assert.True(lost.Error?.Message.Contains("may have been carried out", StringComparison.Ordinal) ?? true);
        Assert.Equal((ErrorCodes.ToolServerUnavailable, ErrorKind.Transient), (soon.Code, soon.Kind));
        Assert.Contains("exit code 7", soon.Message, StringComparison.Ordinal);
        Assert.Null(later.Error);
        Assert.Equal(2, Started().Count);
    }

    [Fact]
    public async Task Server_ThatIsKilledBetweenCalls_IsStartedAgain()
    {
        var harness = Harness();
        Assert.Null((await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error);

        // After a minute it is no server that dies at once, and need not be left alone.
        _clock.Advance(TimeSpan.FromMinutes(1));
        using (var process = Process.GetProcessById(Started()[0]))
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.Null((await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error);
        Assert.Equal(2, Started().Count);
    }

    [Fact]
    public async Task Server_ThatDoesNotStart_IsLeftAloneForLongerAndLonger_AndSaysWhy()
    {
        var harness = Harness(server => server with { Arguments = [.. server.Arguments, "--refuse"] });
        List<int> waits = [];

        for (var failure = 0; failure < 4; failure++)
        {
            var error = (await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error!;
            Assert.Equal((ErrorCodes.ToolServerUnavailable, ErrorKind.Transient), (error.Code, error.Kind));
            Assert.Contains("exit code 3 (I do not want to start.)", error.Message, StringComparison.Ordinal);

            // While it is left alone, nothing is started: the answer comes at once, and is the same.
            var waited = 0;
            for (; _servers[0].NextAttempt("test") > _clock.GetUtcNow(); waited++)
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
            }

            waits.Add(waited);
        }

        Assert.Equal([1, 2, 4, 8], waits);
    }

    [Fact]
    public async Task Server_WhoseProgramIsNotThere_SaysSo()
    {
        var harness = Harness(_ => new ToolServer { Command = "no-such-program-anywhere" });

        var error = (await CallAsync(harness, "test.add", "{}")).Error!;

        Assert.Equal((ErrorCodes.ToolServerUnavailable, ErrorKind.Transient), (error.Code, error.Kind));
        Assert.Contains("no-such-program-anywhere", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PATH", false)]
    [InlineData("GIVEN", false, "given")]
    [InlineData("PASSED", false, "passed on")]
    [InlineData("OPENAI_API_KEY", true)]
    [InlineData("POLYPHONY_API_KEY", true)]
    [InlineData("DOTNET_HOST_SECRET", true)]
    public async Task Program_SeesOfTheEnvironmentWhatItNeeds_AndWhatTheSettingsPassOn(string name, bool isHidden, string? value = null)
    {
        var before = Environment.GetEnvironmentVariable(name);
        if (isHidden)
        {
            Environment.SetEnvironmentVariable(name, "secret");
        }

        try
        {
            var harness = Harness(server => server with { Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["GIVEN"] = "given" }, PassVariables = ["PASSED"] });

            var seen = (await CallAsync(harness, "test.variable", $$"""{"name":"{{name}}"}""")).Output!.Json!.Value.GetString();

            Assert.Equal(isHidden ? "(not set)" : value ?? before, seen);
        }
        finally
        {
            Environment.SetEnvironmentVariable(name, before);
        }
    }

    [Fact]
    public async Task Program_ThatNeedsAVariableThatIsNotSet_IsNotStarted()
    {
        var harness = Harness(server => server with { PassVariables = ["MISSING"] });

        var error = (await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error!;

        Assert.Equal((ErrorCodes.Authentication, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.Contains("MISSING", error.Message, StringComparison.Ordinal);
        Assert.Empty(Started());
    }

    [Fact]
    public async Task Stop_OfTheHost_EndsTheProgram()
    {
        var harness = Harness();
        await CallAsync(harness, "test.add", """{"a":1,"b":1}""", "made");
        using var process = Process.GetProcessById(Started()[0]);

        await _servers[0].DisposeAsync();

        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Contains("The host is stopping", (await CallAsync(harness, "test.add", """{"a":1,"b":1}""")).Error!.Message, StringComparison.Ordinal);

        // What has ended before needs no server.
        Assert.Equal("""{"sum":2}""", (await CallAsync(harness, "test.add", """{"a":1,"b":1}""", "made")).Output!.Json!.Value.GetRawText());
    }

    [Fact]
    public async Task List_OfTools_TellsWhatTheServerSaysOfThem_AndWhatCannotBeUsed()
    {
        _ = Harness(server => server with { Idempotent = ["echo"] });

        var list = await _servers[0].ListAsync("test", TestContext.Current.CancellationToken);

        Assert.Equal(["add", "die", "echo", "fail", "key", "large", "meet", "mixed", "variable", "wait"], list.Tools.Keys);
        Assert.Equal(["bad name!", "odd"], list.Unusable.Keys);

        // What the server says of itself is known, and not believed.
        Assert.Equal((ToolHints.ReadOnly | ToolHints.Idempotent, false), (list.Tools["add"].Hints, list.Tools["add"].Options.Idempotent));
        Assert.Equal((ToolHints.None, true), (list.Tools["echo"].Hints, list.Tools["echo"].Options.Idempotent));
    }

    private static Task<ToolCallResult> CallAsync(ActivityHarness harness, string tool, string arguments, string? place = null, CancellationToken cancellationToken = default) => harness.ToolAsync(
        new ToolCall
        {
            Scope = harness.Scope("ask"),
            Tool = tool,
            Arguments = ActivityHarness.Inline(arguments),
            CallId = "c1",
            Place = place ?? $"1.{Interlocked.Increment(ref _calls)}",
        },
        cancellationToken);

    private ActivityHarness Harness(Func<ToolServer, ToolServer>? change = null, ScriptedChatClient? model = null)
    {
        var server = new ToolServer { Command = "dotnet", Arguments = [Path.Combine(AppContext.BaseDirectory, "Polyphony.TestToolServer.dll"), Diary, "--tell", $"{((IPEndPoint)_listener.LocalEndpoint).Port}"] };
        var settings = new ToolSettings { Servers = new Dictionary<string, ToolServer>(StringComparer.Ordinal) { ["test"] = change?.Invoke(server) ?? server } };
        var servers = new ToolServers(settings, _clock, NullLoggerFactory.Instance, name => name switch { "PASSED" => "passed on", _ => null });
        _servers.Add(servers);
        return new ActivityHarness(model ?? new ScriptedChatClient("done"), registry => registry.Add(servers, first: false), workflow: Workflow);
    }

    private List<int> Started() => File.Exists(Diary)
        ? [.. File.ReadAllLines(Diary).Where(line => line.StartsWith("started ", StringComparison.Ordinal)).Select(line => int.Parse(line["started ".Length..], System.Globalization.CultureInfo.InvariantCulture))]
        : [];

    /// <summary>Waits until the program has told that something happened.</summary>
    private async Task DiaryHasAsync(string line)
    {
        while (await _told.Reader.ReadAsync(TestContext.Current.CancellationToken) != line)
        {
        }
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                _ = ReadAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (SocketException)
        {
            // The test is over.
        }
    }

    private async Task ReadAsync(TcpClient client)
    {
        using var reader = new StreamReader(client.GetStream());
        while (await reader.ReadLineAsync() is { } line)
        {
            _told.Writer.TryWrite(line);
        }
    }
}
