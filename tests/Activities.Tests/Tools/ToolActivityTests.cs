using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Tools;

[Trait("Row", "O12")]
public sealed class ToolActivityTests
{
    [Fact]
    public async Task Tool_OfANode_EvaluatesItsArguments()
    {
        var harness = Harness((int a, int b) => a + (10 * b));
        var scope = harness.Scope("count") with
        {
            Nodes = new Dictionary<string, NodeValue> { ["list"] = new() { Status = "completed", Output = await harness.StoredAsync("[5,6,7]") } },
        };

        var result = await harness.ToolAsync(new ToolCall { Scope = scope, Tool = "add" });

        Assert.Equal("31", result.Output!.Json!.Value.GetRawText());
    }

    [Fact]
    public async Task Tool_AskedForByAModel_GetsItsArguments()
    {
        var harness = Harness((int a, int b) => new { sum = a + b });

        var result = await CallAsync(harness, """{"a":1,"b":2}""");

        Assert.Equal("""{"sum":3}""", result.Output!.Json!.Value.GetRawText());
    }

    [Theory]
    [InlineData("\"not json\"", ErrorCodes.ToolArgumentsInvalid, "object")]
    [InlineData("""{"a":1}""", ErrorCodes.ToolArgumentsInvalid, "b")]
    [InlineData("""{"a":1,"b":"x"}""", ErrorCodes.ToolArgumentsInvalid, "/b")]
    public async Task Tool_ArgumentsThatDoNotFit_AreRefused(string arguments, string code, string says)
    {
        var called = false;
        var harness = Harness((int a, int b) =>
        {
            called = true;
            return a + b;
        });

        var result = await CallAsync(harness, arguments);

        Assert.Equal((code, ErrorKind.Terminal, false), (result.Error!.Code, result.Error.Kind, called));
        Assert.Contains(says, result.Error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<Exception, string, ErrorKind> Failures => new()
    {
        { new ToolException("never"), ErrorCodes.ToolFailed, ErrorKind.Terminal },
        { new ToolException("later", ErrorKind.Transient), ErrorCodes.ToolFailed, ErrorKind.Transient },
        { new HttpRequestException(HttpRequestError.ConnectionError, "down"), ErrorCodes.ToolFailed, ErrorKind.Transient },
        { new HttpRequestException("no", null, System.Net.HttpStatusCode.Conflict), ErrorCodes.ToolFailed, ErrorKind.Transient },
        { new InvalidOperationException("bug"), ErrorCodes.ToolFailed, ErrorKind.Terminal },
        { new UnauthorizedAccessException("no"), ErrorCodes.ToolFailed, ErrorKind.Terminal },
        { new ArgumentException("bad"), ErrorCodes.ToolArgumentsInvalid, ErrorKind.Terminal },
    };

    [Theory]
    [Trait("Row", "C9")]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task Tool_Throws_IsClassified(Exception exception, string code, ErrorKind kind)
    {
        var harness = Harness(new Func<int, int, int>((a, b) => throw exception));

        var result = await CallAsync(harness, """{"a":1,"b":2}""");

        Assert.Equal((code, kind), (result.Error!.Code, result.Error.Kind));
        Assert.Contains(exception.Message, result.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_NotRegistered_IsTerminalAndNamesTheOthers()
    {
        var harness = Harness((int a, int b) => a + b);

        var result = await harness.ToolAsync(new ToolCall { Scope = harness.Scope("ask"), Tool = "sub", Arguments = ActivityHarness.Inline("{}"), CallId = "c1" });

        Assert.Equal((ErrorCodes.ToolNotFound, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
        Assert.Contains("add", result.Error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Row", "C9")]
    [InlineData("bug")]
    [InlineData("down")]
    public async Task Tool_ThatIsIdempotent_MayBeTriedAgainAfterAnyFailure(string message)
    {
        var harness = Harness(new Func<int, int, int>((a, b) => throw (message == "bug" ? new InvalidOperationException(message) : new IOException(message))), isIdempotent: true);

        var result = await CallAsync(harness, """{"a":1,"b":2}""");

        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Transient), (result.Error!.Code, result.Error.Kind));
    }

    [Fact]
    [Trait("Row", "C7")]
    public async Task Tool_TakesTooLong_TimesOut()
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource<int>();
        var harness = Harness((int a, int b) =>
        {
            began.SetResult();
            return never.Task;
        }, isIdempotent: true);
        var running = CallAsync(harness, """{"a":1,"b":2}""");
        await began.Task;

        harness.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal((ErrorCodes.Timeout, ErrorKind.Transient), ((await running).Error!.Code, (await running).Error!.Kind));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Tool_LargeResult_IsStored()
    {
        var harness = Harness((int a, int b) => new string('z', 10_000));

        Assert.Equal(10_002, (await CallAsync(harness, """{"a":1,"b":2}""")).Output!.Reference!.Bytes);
    }

    [Fact]
    public void Add_NameTwice_IsRefused()
    {
        var registry = new ToolRegistry().Add(AIFunctionFactory.Create(() => 1, "one"));

        Assert.Throws<ArgumentException>(() => registry.Add(AIFunctionFactory.Create(() => 2, "one")));
        Assert.Equal(["one"], registry.Names);
    }

    /// <summary>C# types that refer to themselves have references to anywhere in their schema.</summary>
    [Theory]
    [InlineData("""{"root":{"name":"a","children":[{"name":"b","children":[]}]}}""", null)]
    [InlineData("""{"root":{"name":"a","children":[{"name":"b","children":[{"name":5,"children":[]}]}]}}""", "/root/children/0/children/0/name: Expected string")]
    public async Task Tool_OfARecursiveType_ChecksEveryLevel(string arguments, string? says)
    {
        var harness = Harness((Branch root) => root.Children.Count);

        var result = await CallAsync(harness, arguments);

        Assert.Equal(says is null ? null : ErrorCodes.ToolArgumentsInvalid, result.Error?.Code);
        Assert.Contains(says ?? "", result.Error?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Add_SchemaThatCannotBeChecked_IsRefused()
    {
        var tool = new Declared("""{"type":"object","properties":{"a":{"type":"string"}},"unevaluatedProperties":false,"x-vendor":1}""");

        var exception = Assert.Throws<ArgumentException>(() => new ToolRegistry().Add(tool));

        Assert.StartsWith("The schema of tool \"declared\" can't be checked. /unevaluatedProperties: The keyword \"unevaluatedProperties\" is not supported.", exception.Message, StringComparison.Ordinal);
    }

    private sealed record Branch(string Name, IReadOnlyList<Branch> Children);

    private sealed class Declared(string schema) : AIFunction
    {
        public override string Name => "declared";

        public override JsonElement JsonSchema { get; } = JsonElement.Parse(schema);

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) => ValueTask.FromResult<object?>(null);
    }

    private static ActivityHarness Harness(Delegate add, bool isIdempotent = false) =>
        new(new ScriptedChatClient("x"), tools => tools.Add(AIFunctionFactory.Create(add, "add"), new ToolOptions { Idempotent = isIdempotent }));

    private static Task<ToolCallResult> CallAsync(ActivityHarness harness, string arguments) =>
        harness.ToolAsync(new ToolCall { Scope = harness.Scope("ask"), Tool = "add", Arguments = ActivityHarness.Inline(arguments), CallId = "c1" });
}
