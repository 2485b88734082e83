using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Engine;
using Polyphony.Engine.Simulation;

namespace Polyphony.Scenarios.Tests;

/// <summary>Workflows in C# over the same agents.</summary>
public sealed class CodeWorkflowTests
{
    [Fact]
    [Trait("Row", "O14")]
    [Trait("Row", "C2")]
    public async Task CodeWorkflow_FanOutLoopAndPerson_RunsOnTheSameBuildingBlocks()
    {
        var agents = new WorkflowBuilder("research")
            .Limits(new WorkflowLimits { MaxConcurrency = 3 })
            .Model("m", "offline")
            .Agent("reader", "m", "You read.")
            .Agent("judge", "m", "You judge.", agent => agent.Output(JsonNode.Parse("""{"type":"object","required":["score"],"properties":{"score":{"type":"integer"}}}""")!))
            .BuildAgents();
        var models = new TestModels
        {
            Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(
                messages[^1].Text.StartsWith("judge", StringComparison.Ordinal) ? $$"""{"score":{{messages[^1].Text.Length % 10}}}""" : messages[^1].Text.ToUpperInvariant())),
        };
        var clock = new SkippingClock();
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), (engine, registry) =>
        {
            var definitions = new OverlayDefinitionStore(engine.Definitions, agents);
            new PolyphonyActivities(new ActivitiesOptions(), engine.Payloads, engine.Ledger, definitions, models, new ToolRegistry(), clock, NullLoggerFactory.Instance).Register(registry);
            registry.AddCodeWorkflow("research", agents, async (workflow, input) =>
            {
                // Logic that no graph expresses: a list that grows while it is worked on.
                var open = new Queue<string>(input.GetProperty("topics").EnumerateArray().Select(topic => topic.GetString()!));
                var notes = new List<Payload>();
                while (open.Count > 0)
                {
                    var batch = new List<string>();
                    while (open.TryDequeue(out var topic))
                    {
                        batch.Add(topic);
                    }

                    notes.AddRange(await Task.WhenAll(batch.Select(topic => workflow.CallAgentAsync("reader", $"read {topic}"))));
                    var verdict = await workflow.CallAgentAsync(
                        "judge", "judge {{ size(last) }} {{ last }}", new Dictionary<string, Payload> { ["last"] = notes[^1] });
                    if (verdict.Json!.Value.GetProperty("score").GetInt32() < 8 && notes.Count < 8)
                    {
                        open.Enqueue($"more {notes.Count}");
                    }
                }

                var approved = await workflow.AskAsync("publish", "Publish?", timeout: TimeSpan.FromDays(1));
                return JsonSerializer.SerializeToElement(new { notes = notes.Select(note => note.Json!.Value.GetString()), approved = approved.Json!.Value });
            });
        });
        using var hold = clock.Hold();
        var id = await engine.Client.StartAsync("research", """{"topics":["a","b","c","d"]}""");
        long version = 0;
        for (OrchestrationMetadata? metadata = null; metadata?.CustomStatus?.Contains("Publish?", StringComparison.Ordinal) != true;)
        {
            metadata = await engine.Client.WaitForChangeAsync(id, version);
            version = metadata!.Version;
            Assert.False(metadata.IsFinished, metadata.FailureDetails?.ErrorMessage);
        }

        await engine.Client.RaiseEventAsync(id, "answer:publish", "true");
        var completed = await engine.Client.WaitForCompletionAsync(id);

        // "judge 6 READ D" has 14 letters, so the score is 4; "judge 11 READ MORE 4" has 20: 0; five to seven likewise, until there are eight notes.
        Assert.Equal(
            """{"notes":["READ A","READ B","READ C","READ D","READ MORE 4","READ MORE 5","READ MORE 6","READ MORE 7"],"approved":true}""",
            completed.Output);
        Assert.Equal(13, models.Calls);
        Assert.InRange(models.MaxInFlight, 1, 3);
    }

    [Fact]
    [Trait("Row", "O14")]
    [Trait("Row", "C9")]
    public async Task CodeWorkflow_AgentFails_ThrowsWhatCanBeHandled()
    {
        var agents = new WorkflowBuilder("failing").Model("m", "offline").Agent("a", "m").BuildAgents();
        var models = new TestModels { Respond = (_, _, _, _) => throw new HttpRequestException("down") };
        var clock = new SkippingClock();
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), (engine, registry) =>
        {
            var definitions = new OverlayDefinitionStore(engine.Definitions, agents);
            new PolyphonyActivities(new ActivitiesOptions(), engine.Payloads, engine.Ledger, definitions, models, new ToolRegistry(), clock, NullLoggerFactory.Instance).Register(registry);
            registry.AddCodeWorkflow("failing", agents, async (workflow, _) =>
            {
                try
                {
                    return (await workflow.CallAgentAsync("a", "x")).Json;
                }
                catch (AgentFailedException failed)
                {
                    return JsonSerializer.SerializeToElement(failed.Error.Code);
                }
            });
        });
        var id = await engine.Client.StartAsync("failing", null);
        Assert.Equal("\"provider_unavailable\"", (await engine.Client.WaitForCompletionAsync(id)).Output);
        Assert.Equal(3, models.Calls);
    }

    [Theory]
    [InlineData(true, true, "\"hello\"")]
    [InlineData(true, false, "\"price_unknown\"")]
    [InlineData(false, false, "\"hello\"")]
    [Trait("Row", "C11")]
    public async Task CodeWorkflow_LimitOfMoney_NeedsThePriceOfEveryAgentsModel(bool isLimited, bool isKnown, string output)
    {
        var agents = Limited(isLimited);
        var models = new TestModels { Respond = (_, _, _, _) => Task.FromResult(TestModels.Text("hello")) };
        var prices = PriceTable.Shipped.With(PriceTable.Parse(JsonElement.Parse($$"""{"asOf":"2026-01-31","models":{ {{(isKnown ? "\"house\":{\"input\":1,\"output\":1}" : "")}} } }""")));
        var clock = new SkippingClock();
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), (engine, registry) =>
        {
            var definitions = new OverlayDefinitionStore(engine.Definitions, agents);
            new PolyphonyActivities(new ActivitiesOptions { Prices = prices }, engine.Payloads, engine.Ledger, definitions, models, new ToolRegistry(), clock, NullLoggerFactory.Instance).Register(registry);
            registry.AddCodeWorkflow("limited", agents, async (workflow, _) =>
            {
                try
                {
                    return (await workflow.CallAgentAsync("cheap", "x")).Json;
                }
                catch (AgentFailedException failed)
                {
                    return JsonSerializer.SerializeToElement(failed.Error.Code);
                }
            });
        });

        var id = await engine.Client.StartAsync("limited", null);

        Assert.Equal(output, (await engine.Client.WaitForCompletionAsync(id)).Output);
        Assert.Equal(output == "\"hello\"" ? 1 : 0, models.Calls);
    }

    [Fact]
    [Trait("Row", "C11")]
    public void AddCodeWorkflow_LimitOfMoneyThatCannotHold_IsRefusedWithThePricesOfTheHost()
    {
        var prices = new ModelSettings(new Dictionary<string, ModelDefinition>(), EndpointPolicy.Default, PriceTable.Shipped).CheckPrices();

        var problem = Assert.Single(Assert.Throws<WorkflowInvalidException>(() => new DurableRegistry().AddCodeWorkflow("limited", Limited(true), (_, _) => Task.FromResult<JsonElement?>(null), prices)).Problems);

        Assert.Equal("price_unknown", problem.Code);
        Assert.Contains("\"maxCostUsd\" of workflow \"limited\" can't hold: what model \"dear\" (openai, \"house\") costs is not known", problem.Message, StringComparison.Ordinal);
        new DurableRegistry().AddCodeWorkflow("free", Limited(false), (_, _) => Task.FromResult<JsonElement?>(null), prices);
    }

    private static WorkflowDefinition Limited(bool isLimited) => new WorkflowBuilder("limited")
        .Limits(isLimited ? new WorkflowLimits { MaxCostUsd = 1 } : new WorkflowLimits())
        .Model("cheap", "openai", "gpt-4.1-mini")
        .Model("dear", "openai", "house")
        .Agent("cheap", "cheap")
        .Agent("dear", "dear")
        .BuildAgents();
}
