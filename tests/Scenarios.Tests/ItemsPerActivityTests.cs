using System.Globalization;
using Microsoft.Extensions.AI;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Items of a list that share activities: the result, the attempts and the bill are those of items that don't.</summary>
[Trait("Row", "O5")]
[Trait("Row", "C2")]
public sealed class ItemsPerActivityTests
{
    private static readonly InterpreterOptions Direct = new() { MaxDirectItems = 100 };
    private static readonly InterpreterOptions Children = new() { MaxDirectItems = 4, MinItemsPerChild = 20, MaxItemsPerChild = 20 };

    [Theory]
    [InlineData(10, false, 10, 0)]
    [InlineData(10, true, 10, 0)]
    [InlineData(7, false, 15, 0)]
    [InlineData(1, false, 0, 100)]
    public async Task Items_ThatAreBegunTogether_ShareActivities(int size, bool divided, int batches, int alone)
    {
        await using var host = await TestHost.StartAsync(interpreter: divided ? Children : Direct);
        var id = await host.StartAsync(Workflow(100, $"itemsPerActivity: {size}"), new { items = Enumerable.Range(0, 100).ToArray() });

        var status = await host.WaitAsync(id);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"item {i}"), status.Output!.Value.EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(100, host.Models.Calls);
        Assert.Equal(100, (await host.Engine.Ledger.GetTotalsAsync(id)).Steps);
        var tasks = await TasksAsync(host, id);
        Assert.Equal((batches, alone), (tasks.Count(name => name == TaskNames.AgentBatch), tasks.Count(name => name == TaskNames.Agent)));
    }

    [Fact]
    public async Task Concurrency_CountsItemsAndNotActivities()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1 + (messages[^1].Text.Length % 3)), host.Clock, cancellationToken);
            return TestModels.Text("x");
        };

        var status = await host.RunAsync(Workflow(12, "itemsPerActivity: 5"), new { items = Enumerable.Range(0, 60).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(12, host.Models.MaxInFlight);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Item_ThatFailsOnce_IsTriedAgainAloneAndTheOthersAreNot(bool divided)
    {
        await using var host = await TestHost.StartAsync(interpreter: divided ? Children : null);
        var asked = new Dictionary<string, int>();
        host.Models.Respond = (_, messages, _, _) =>
        {
            var text = messages[^1].Text;
            lock (asked)
            {
                asked[text] = asked.GetValueOrDefault(text) + 1;
                return text == "item 7" && asked[text] == 1 ? throw new HttpRequestException("reset", null, System.Net.HttpStatusCode.ServiceUnavailable) : Task.FromResult(TestModels.Text(text));
            }
        };

        var status = await host.RunAsync(Workflow(20, "itemsPerActivity: 10"), new { items = Enumerable.Range(0, 20).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(20, status.Output!.Value.GetArrayLength());
        Assert.Equal(21, asked.Values.Sum());
        Assert.Equal(2, asked["item 7"]);
    }

    [Fact]
    public async Task Item_ThatFailsForGood_IsLeftOutAndTheOthersStay()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => messages[^1].Text == "item 3" ? throw new InvalidOperationException("broken") : Task.FromResult(TestModels.Text("x"));

        var status = await host.RunAsync(Workflow(10, "itemsPerActivity: 10, onError: skip, retry: { maxAttempts: 1 }"), new { items = Enumerable.Range(0, 10).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(9, status.Output!.Value.GetArrayLength());
    }

    [Fact]
    public async Task Answers_ThatAreTooLargeTogether_AreAllKept()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text($"{messages[^1].Text} {new string('é', 1900)}"));

        var status = await host.RunAsync(
            Workflow(50, "itemsPerActivity: 50").Replace("output: \"{{ nodes.each.output }}\"", "output: \"{{ nodes.each.output.map(text, size(text)) }}\"", StringComparison.Ordinal),
            new { items = Enumerable.Range(0, 50).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"item {i} ".Length + 1900), status.Output!.Value.EnumerateArray().Select(size => size.GetInt32()));
        Assert.Equal(50, host.Models.Calls);
    }

    [Fact]
    public async Task ToolCallsOfModels_ThatAreTooLargeTogether_AreAskedForAloneAndPaidOnce()
    {
        await using var host = await TestHost.StartAsync();
        host.Tools.Add(AIFunctionFactory.Create((string text) => text.Length, "measure", "Measures."));
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(messages[^1].Role == ChatRole.Tool
            ? TestModels.Text("done")
            : new ChatResponse(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("c1", "measure", new Dictionary<string, object?> { ["text"] = new string('x', 3500) })]))
            {
                FinishReason = ChatFinishReason.ToolCalls,
            });
        var id = await host.StartAsync(
            Workflow(20, "itemsPerActivity: 20").Replace("context: []", "context: [], tools: [measure]", StringComparison.Ordinal), new { items = Enumerable.Range(0, 20).ToArray() });

        var status = await host.WaitAsync(id);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(40, host.Models.Calls);
        Assert.Contains(TaskNames.Agent, await TasksAsync(host, id));
    }

    [Fact]
    public async Task Tools_ShareActivitiesToo()
    {
        await using var host = await TestHost.StartAsync();
        host.Tools.Add(AIFunctionFactory.Create((int n) => 2 * n, "double", "Doubles."));
        var id = await host.StartAsync(
            """
            name: tools
            limits: { maxConcurrency: 30 }
            nodes: { each: { tool: double, forEach: "{{ input.items }}", arguments: { n: "{{ item }}" }, itemsPerActivity: 15 } }
            """,
            new { items = Enumerable.Range(0, 30).ToArray() });

        var status = await host.WaitAsync(id);

        Assert.Equal(Enumerable.Range(0, 30).Select(i => 2 * i), status.Output!.Value.EnumerateArray().Select(item => item.GetInt32()));
        Assert.Equal(2, (await TasksAsync(host, id)).Count(name => name == TaskNames.ToolBatch));
    }

    private static string Workflow(int concurrency, string more) =>
        $$$"""
        name: together
        limits: { maxConcurrency: {{{concurrency.ToString(CultureInfo.InvariantCulture)}}} }
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: "item {{ item }}", {{{more}}} } }
        output: "{{ nodes.each.output }}"
        """;

    /// <summary>Lists the activities that a run and its children have begun.</summary>
    private static async Task<List<string>> TasksAsync(TestHost host, string id)
    {
        var all = await host.Engine.Client.QueryAsync(new() { IncludeChildren = true });
        var names = new List<string>();
        foreach (var instance in all.Instances.Where(each => each.InstanceId.StartsWith(id, StringComparison.Ordinal)))
        {
            names.AddRange((await host.Engine.Client.GetHistoryAsync(instance.InstanceId)).OfType<TaskScheduled>().Select(task => task.Name));
        }

        return names;
    }
}
