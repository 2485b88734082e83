using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Agents;

/// <summary>Which calls that failed may have been paid: those that the provider got and did not refuse. By the official SDK over real connections.</summary>
[Trait("Row", "B2")]
[Trait("Row", "C9")]
public sealed class AgentSettlementTests
{
    private const string Step = "run-1/draft/1";

    // What the server does, the error, and whether it may charge. Its own count says whether it does.
    public static TheoryData<string, FakeOpenAIAnswer, string, bool> Failures => new()
    {
        { "reset in the body", FakeOpenAIAnswer.Text("Hello.") with { ResetsAfter = 40 }, ErrorCodes.ProviderUnavailable, true },
        { "reset before the answer", new FakeOpenAIAnswer { Resets = true }, ErrorCodes.ProviderUnavailable, true },
        { "unreadable", new FakeOpenAIAnswer { Body = "hello" }, ErrorCodes.ProviderInvalidAnswer, true },
        { "half an answer", new FakeOpenAIAnswer { Body = """{"id":"x","choices":[{""" }, ErrorCodes.ProviderInvalidAnswer, true },
        { "429", FakeOpenAIAnswer.Error(429, "rate_limit_exceeded", "slow"), ErrorCodes.RateLimited, false },
        { "500", FakeOpenAIAnswer.Error(500, null, "oops"), ErrorCodes.ProviderUnavailable, false },
        { "400", FakeOpenAIAnswer.Error(400, "content_filter", "no"), ErrorCodes.ContentFilter, false },
        { "401", FakeOpenAIAnswer.Error(401, "invalid_api_key", "wrong"), ErrorCodes.Authentication, false },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task Agent_AnswerLostOrRefused_IsUnsettledOrFailed(string name, FakeOpenAIAnswer answer, string code, bool mayBePaid)
    {
        await using var server = await FakeOpenAIServer.StartAsync(answer, "Done.");
        var harness = new ActivityHarness(Client(server.Endpoint));

        var failed = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        var done = await harness.AgentAsync(harness.Call() with { Attempt = 2 }, TestContext.Current.CancellationToken);

        Assert.Equal((name, code, "Done."), (name, failed.Error?.Code, done.Output!.Json!.Value.GetString()));
        var entry = harness.Ledger.Find(Step)!;
        Assert.Equal((name, 2, mayBePaid ? 0 : 1, mayBePaid ? 1 : 0, code), (name, entry.Begun, entry.Failed, entry.Unsettled, entry.LastError));

        // The server's bill lies between what is recorded and that plus what is unsettled.
        Assert.InRange(server.Answers.Values.Sum(), 1, 1 + entry.Unsettled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Row", "C7")]
    public async Task Agent_TimesOut_IsUnsettled(bool hasBegunToAnswer)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FakeOpenAIServer.StartAsync(_ =>
        {
            arrived.SetResult();
            return FakeOpenAIAnswer.Text("late") with { Hangs = !hasBegunToAnswer, Stalls = hasBegunToAnswer };
        });
        var harness = new ActivityHarness(Client(server.Endpoint));
        var running = harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        await arrived.Task;
        harness.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(ErrorCodes.Timeout, (await running).Error!.Code);
        var entry = harness.Ledger.Find(Step)!;
        Assert.Equal((1, 0, 1, "timeout"), (entry.Begun, entry.Failed, entry.Unsettled, entry.LastError));
        await server.Aborted;
        Assert.InRange(server.Answers.Values.Sum(), 0, entry.Unsettled);
    }

    // Nobody listens, nobody has that name, and somebody who listens does not speak TLS: no request was ever sent.
    [Theory]
    [InlineData("http://127.0.0.1:{0}/v1")]
    [InlineData("http://nobody.invalid/v1")]
    [InlineData("https://127.0.0.1:{1}/v1")]
    public async Task Agent_NoConnection_IsFailedAndNotPaid(string endpoint)
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var server = await FakeOpenAIServer.StartAsync("never");
        var address = string.Format(System.Globalization.CultureInfo.InvariantCulture, endpoint, ((IPEndPoint)closed.LocalEndPoint!).Port, server.Resource.Port);
        var harness = new ActivityHarness(Client(new Uri(address)));

        var failed = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.Equal(ErrorCodes.ProviderUnavailable, failed.Error!.Code);
        var entry = harness.Ledger.Find(Step)!;
        Assert.Equal((1, 1, 0, "provider_unavailable"), (entry.Begun, entry.Failed, entry.Unsettled, entry.LastError));
        Assert.Empty(server.Requests);
    }

    private static IChatClient Client(Uri endpoint) =>
        new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? endpoint.ToString() : name == "OPENAI_API_KEY" ? "key" : null)
            .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" });
}
