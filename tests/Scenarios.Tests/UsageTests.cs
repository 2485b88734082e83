using System.Text.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>To whom calls are charged, however deep they are made.</summary>
[Trait("Row", "B2")]
public sealed class UsageTests
{
    private const string Models = """
        models: { m: { provider: offline } }
        agents: { a: { model: m } }
        """;

    [Fact]
    public async Task Usage_OfChildrenItemsAndTeams_IsThatOfTheWorkflowThatWasStarted()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = 2, MinItemsPerChild = 4, MaxItemsPerChild = 4 });
        host.AddWorkflow($$$"""
            name: leaf
            {{{Models}}}
            nodes: { one: { agent: a, forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8] }}", prompt: "{{ item }}" } }
            output: "{{ size(nodes.one.output) }}"
            """);
        host.AddWorkflow($$$"""
            name: middle
            {{{Models}}}
            nodes: { talk: { team: [a], prompt: Talk., maxTurns: 2 }, sub: { workflow: leaf } }
            edges: [talk -> sub]
            output: "{{ nodes.sub.output }}"
            """);
        const string Top = """
            name: top
            nodes: { sub: { workflow: middle } }
            """;

        var usage = (await host.RunAsync(Top)).Usage;
        await host.RunAsync("name: other\nnodes: { sub: { workflow: leaf } }\n");

        var report = await ReportAsync(host, UsageColumns.Workflow);
        Assert.Equal([("other", 8), ("top", usage.ModelCalls)], report.Rows.Select(row => (row.Workflow!, (int)row.Calls)).Order());
        Assert.Equal(10, usage.ModelCalls);
        Assert.Equal(usage.InputTokens, report.Rows.Single(row => row.Workflow == "top").InputTokens);
    }

    [Fact]
    [Trait("Row", "R1")]
    public async Task Usage_OfMessages_IsThatOfTheWorkflowThatSubscribes()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: desk
            models: { m: { provider: offline } }
            agents: { clerk: { model: m }, scribe: { model: m, instructions: "You are the scribe." } }
            subscriptions:
              clerk: { topic: tickets, agent: clerk, compact: { agent: scribe, above: 1000, keep: 2 } }
            """);

        for (var i = 1; i <= 4; i++)
        {
            var message = await host.Topics.PublishAsync("tickets", "a", TestHost.Json(JsonSerializer.SerializeToElement(new string('q', 900))), $"m{i}", TestContext.Current.CancellationToken);
            await host.Topics.WaitForHandledAsync(message.Deliveries[0], message.MessageId, TestContext.Current.CancellationToken);
        }

        var report = await ReportAsync(host, UsageColumns.Workflow, UsageColumns.Agent);
        Assert.Equal([("desk", "clerk", 4), ("desk", "scribe", 1)], report.Rows.Select(row => (row.Workflow!, row.Agent!, (int)row.Calls)).Order());
    }

    private static async Task<UsageReport> ReportAsync(TestHost host, params string[] by)
    {
        var query = new UsageQuery(new DateOnly(1970, 1, 1), new DateOnly(9000, 1, 1)) { By = by };
        return UsageReport.Of(query, await host.Engine.Ledger.ReadUsageAsync(query.From, query.To, TestContext.Current.CancellationToken));
    }
}
