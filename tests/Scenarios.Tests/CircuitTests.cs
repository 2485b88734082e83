using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Many calls of a deployment that fails every one of them for a while, or for good.</summary>
[Trait("Row", "C9")]
public sealed class CircuitTests
{
    private const string Many = """
        name: many
        input: { type: object, required: [items], properties: { items: { type: array } } }
        limits: { maxConcurrency: 20 }
        models:
          main: { provider: openai, model: one }
          other: { provider: openai, model: two }
        agents: { a: { model: main, context: [], retry: { maxAttempts: 3, firstDelay: 1s } } }
        nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: "{{ item }}", onError: { value: "{{ error.code }}" } } }
        output: "{{ nodes.each.output }}"
        """;

    private static readonly object Items = new { items = Enumerable.Range(0, 60).ToArray() };

    [Fact]
    public async Task Deployment_ThatStaysAway_FailsAllCallsAfterAFewRequests()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => throw Down;

        var status = await host.RunAsync(Many, Items);

        Assert.Equal(Enumerable.Repeat(ErrorCodes.ProviderUnavailable, 60), status.Output!.Value.EnumerateArray().Select(each => each.GetString()));
        Assert.Equal(Enumerable.Repeat(3, 60), status.Outcomes!.Select(each => each.Outcome.Attempts));

        // The 20 at a time that are under way when it opens, and one probe after another: 60 items with 3 attempts each would be 180.
        Assert.InRange(host.Models.Calls, 5, 45);
        Assert.All(await host.Engine.Ledger.ListAsync(status.InstanceId, TestContext.Current.CancellationToken), entry => Assert.Equal(0, entry.Unsettled));
    }

    [Fact]
    public async Task Deployment_ThatComesBack_AnswersEveryCall()
    {
        await using var host = await TestHost.StartAsync();
        var start = host.Clock.GetUtcNow();
        host.Models.Respond = (_, messages, _, _) => host.Clock.GetUtcNow() < start.AddSeconds(25) ? throw Down : Task.FromResult(TestModels.Text(messages[^1].Text));

        var status = await host.RunAsync(Many, Items);

        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i}"), status.Output!.Value.EnumerateArray().Select(each => each.GetString()));
    }

    [Fact]
    public async Task Deployment_WithAFallback_IsLeftAtOnceWhileItFails()
    {
        await using var host = await TestHost.StartAsync();
        var asked = 0;
        host.Models.Respond = (model, _, _, _) => model == "main" && Interlocked.Increment(ref asked) > 0 ? throw Down : Task.FromResult(TestModels.Text(model));

        var status = await host.RunAsync(Many.Replace("model: one }", "model: one, fallback: [other] }", StringComparison.Ordinal), Items);

        Assert.Equal(Enumerable.Repeat("other", 60), status.Output!.Value.EnumerateArray().Select(each => each.GetString()));
        Assert.InRange(asked, 5, 45);

        // Without the breaker each item would wait for two retries; with it the later ones wait for nothing.
        Assert.Contains(status.Outcomes!, each => each.Outcome.Attempts == 1);
    }

    private static ModelException Down => new(new CallError(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient));
}
