using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests;

/// <summary>Workflows in C# over the same agents: started, pinned, listed and shown as those of files are.</summary>
[Trait("Row", "O14")]
public sealed class CodeWorkflowTests
{
    [Fact]
    [Trait("Row", "C2")]
    [Trait("Row", "O10")]
    public async Task FanOutLoopAndPerson_RunOnTheSameBuildingBlocks()
    {
        var agents = new WorkflowBuilder("research")
            .Limits(new WorkflowLimits { MaxConcurrency = 3 })
            .Model("m", "offline")
            .Agent("reader", "m", "You read.")
            .Agent("judge", "m", "You judge.", agent => agent.Output(JsonNode.Parse("""{"type":"object","required":["score"],"properties":{"score":{"type":"integer"}}}""")!));
        var code = new CodeWorkflows().Add(agents, async (workflow, input) =>
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
        await using var host = await TestHost.StartAsync(code: code);
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(
            messages[^1].Text.StartsWith("judge", StringComparison.Ordinal) ? $$"""{"score":{{messages[^1].Text.Length % 10}}}""" : messages[^1].Text.ToUpperInvariant()));
        using var hold = host.Clock.Hold();
        var id = await host.Client.StartAsync("research", JsonElement.Parse("""{"topics":["a","b","c","d"]}"""));

        var asked = await host.UntilAsync(id, status => status.CustomStatus is { WaitingFor.Count: 1 });
        await host.Client.RaiseEventAsync(id, asked.CustomStatus!.WaitingFor[0].EventName!, JsonElement.Parse("true"));
        var completed = await host.WaitAsync(id);

        // "judge 6 READ D" has 14 letters, so the score is 4; "judge 11 READ MORE 4" has 20: 0; five to seven likewise, until there are eight notes.
        Assert.Equal("completed", completed.Reason());
        Assert.Equal(
            """{"notes":["READ A","READ B","READ C","READ D","READ MORE 4","READ MORE 5","READ MORE 6","READ MORE 7"],"approved":true}""",
            completed.Output!.Value.GetRawText());
        Assert.Equal((13, 13), (host.Models.Calls, completed.Usage.ModelCalls));
        Assert.InRange(host.Models.MaxInFlight, 1, 3);
        Assert.Equal(("Publish?", "publish"), (asked.CustomStatus.WaitingFor[0].Prompt, asked.CustomStatus.WaitingFor[0].Activation));

        // Thirteen calls and a question; the function itself is no attempt beside them.
        Assert.Equal((14, 195L), (completed.CustomStatus!.Nodes[0].Attempts, completed.CustomStatus.Nodes[0].Tokens));

        // Every call has its outcome, in the order in which the function has made them.
        var outcomes = completed.Outcomes!.Select(outcome => outcome.Outcome).ToList();
        Assert.Equal(["code", "reader", "reader#2", "reader#3", "reader#4", "judge"], outcomes.Take(6).Select(outcome => outcome.Activation));
        Assert.Equal(15, outcomes.Count);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task AgentThatFails_ThrowsWhatCanBeHandled()
    {
        var code = new CodeWorkflows().Add(OneAgent("failing"), async (workflow, _) =>
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
        await using var host = await TestHost.StartAsync(code: code);
        host.Models.Respond = (_, _, _, _) => throw new HttpRequestException("down");

        var status = await host.WaitAsync(await host.Client.StartAsync("failing", JsonElement.Parse("{}")));

        Assert.Equal("provider_unavailable", status.Output!.Value.GetString());
        Assert.Equal(3, host.Models.Calls);
    }

    [Fact]
    [Trait("Row", "H5")]
    [Trait("Row", "B2")]
    public async Task WhatIsNotHandled_FailsTheRunAndIsRewoundWithoutPayingTwice()
    {
        var code = new CodeWorkflows().Add(OneAgent("three"), async (workflow, _) =>
        {
            foreach (var prompt in (string[])["one", "two", "three"])
            {
                await workflow.CallAgentAsync("a", prompt);
            }

            return JsonSerializer.SerializeToElement("done");
        });
        await using var host = await TestHost.StartAsync(code: code);
        var down = true;
        host.Models.Respond = (_, messages, _, _) => down && messages[^1].Text == "three"
            ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text("ok"));
        var id = await host.Client.StartAsync("three", JsonElement.Parse("{}"));
        var failed = await host.WaitAsync(id);
        down = false;
        await host.Client.RewindAsync(id);
        var completed = await host.WaitAsync(id);

        Assert.Equal(("failed", "bad_request", "code"), (failed.Reason(), failed.Error!.Code, failed.Error.Activation));
        Assert.Contains("\"a#3\" failed: no", failed.Error.Message, StringComparison.Ordinal);
        Assert.Equal(("completed", "done"), (completed.Reason(), completed.Output!.Value.GetString()));
        Assert.Equal(4, host.Models.Calls);
    }

    [Fact]
    public async Task Exception_OfTheFunction_FailsTheRunWithItsMessage()
    {
        var code = new CodeWorkflows().Add(OneAgent("broken"), (_, _) => throw new FormatException("a number was expected"));
        await using var host = await TestHost.StartAsync(code: code);

        var status = await host.WaitAsync(await host.Client.StartAsync("broken", JsonElement.Parse("{}")));

        Assert.Equal(("failed", "code_failed", "FormatException: a number was expected"), (status.Reason(), status.Error!.Code, status.Error.Message));
    }

    /// <summary>What an instance runs with was pinned when it started; the program may change it at any time.</summary>
    [Fact]
    [Trait("Row", "S9")]
    public async Task EditedInstruction_WhileARunIsInFlight_LeavesItAsItWas()
    {
        var folder = Directory.CreateTempSubdirectory("polyphony-code-");
        var path = Path.Combine(folder.FullName, "data.db");
        string id;
        var models = new TestModels { Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(messages[0].Text)) };
        await using (var first = await TestHost.StartAsync(path: path, models: models, code: Asks("Be brief.")))
        {
            id = await first.Client.StartAsync("asks", JsonElement.Parse("{}"));
            await first.UntilAsync(id, status => status.CustomStatus is { WaitingFor.Count: 1 });
        }

        await using (var second = await TestHost.StartAsync(path: path, models: models, code: Asks("Write at length.")))
        {
            var other = await second.Client.StartAsync("asks", JsonElement.Parse("{}"));
            await second.UntilAsync(other, status => status.CustomStatus is { WaitingFor.Count: 1 });
            foreach (var each in (string[])[id, other])
            {
                await second.Client.RaiseEventAsync(each, "answer:go", JsonElement.Parse("1"));
            }

            Assert.Equal("Be brief. Be brief.", (await second.WaitAsync(id)).Output!.Value.GetString());
            Assert.Equal("Write at length. Write at length.", (await second.WaitAsync(other)).Output!.Value.GetString());
        }

        folder.Delete(recursive: true);

        static CodeWorkflows Asks(string instructions) => new CodeWorkflows().Add(
            new WorkflowBuilder("asks").Model("m", "offline").Agent("a", "m", instructions),
            async (workflow, _) =>
            {
                var before = await workflow.CallAgentAsync<string>("a", "x");
                await workflow.AskAsync("go", "Go on?");
                return JsonSerializer.SerializeToElement($"{before} {await workflow.CallAgentAsync<string>("a", "x")}");
            });
    }

    [Fact]
    public async Task Types_OfInputAnswerToolAndOutput_AreCheckedAndRead()
    {
        var tools = new ToolRegistry();
        tools.Add(AIFunctionFactory.Create((int a, int b) => new { sum = a + b }, "add"));
        var code = new CodeWorkflows().Add<Order, Receipt>(
            new WorkflowBuilder("orders").Model("m", "offline").Agent("judge", "m", "You judge.", agent => agent.Output<Verdict>()),
            async (workflow, order) =>
            {
                var verdict = await workflow.CallAgentAsync<Verdict>("judge", $"Is {order.Item} fine?");
                var sum = await workflow.CallToolAsync<Sum>("add", new { a = order.Count, b = 1 });
                return new Receipt(order.Item, sum.Value, verdict.Grade);
            });
        await using var host = await TestHost.StartAsync(tools: tools, code: code);
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text("""{"grade":"veryGood","why":"it is"}"""));

        var status = await host.WaitAsync(await host.Client.StartAsync("orders", JsonElement.Parse("""{"item":"tea","count":2}""")));
        var refused = await Assert.ThrowsAsync<SchemaViolationException>(() => host.Client.StartAsync("orders", JsonElement.Parse("""{"item":"tea","count":"two","colour":"red"}""")));

        Assert.Equal("""{"item":"tea","total":3,"grade":"veryGood"}""", status.Output!.Value.GetRawText());
        Assert.Equal(["/colour", "/count"], refused.Violations.Select(violation => violation.Pointer).Order());
        Assert.Equal("How many.", host.Client.Resolve("orders").Input!.Json.GetProperty("properties").GetProperty("count").GetProperty("description").GetString());
    }

    [Theory]
    [InlineData(30_000, "30000")]
    [InlineData(60_000, "value_too_large")]
    [Trait("Row", "S8")]
    public async Task LargeAnswer_IsReadUpToTheLimit(int length, string expected)
    {
        var code = new CodeWorkflows().Add(OneAgent("large"), async (workflow, _) =>
            JsonSerializer.SerializeToElement($"{(await workflow.CallAgentAsync<string>("a", "x")).Length}"));
        await using var host = await TestHost.StartAsync(code: code);
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text(new string('x', length)));

        var status = await host.WaitAsync(await host.Client.StartAsync("large", JsonElement.Parse("{}")));

        Assert.Equal(expected, status.Output?.GetString() ?? status.Error!.Code);
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task SubWorkflows_OfFilesAndInCode_RunEitherWay()
    {
        var code = new CodeWorkflows()
            .Add(OneAgent("outer"), async (workflow, _) =>
                JsonSerializer.SerializeToElement($"{await workflow.CallWorkflowAsync<string>("file", new { text = "tea" })} {await workflow.CallWorkflowAsync<string>("inner", "x")}"), "file", "inner")
            .Add(OneAgent("inner"), async (workflow, input) => (await workflow.CallAgentAsync("a", $"inner {input}")).Json);
        await using var host = await TestHost.StartAsync(code: code);
        host.AddWorkflow("""
            name: file
            input: { type: object, properties: { text: { type: string } } }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { call: { workflow: inner, input: "{{ input.text }}" } }
            output: "file {{ nodes.call.output }}"
            """);

        var status = await host.WaitAsync(await host.Client.StartAsync("outer", JsonElement.Parse("{}")));

        Assert.Equal("file inner tea inner x", status.Output!.Value.GetString());
        Assert.Equal((2, 2), (status.Usage.ModelCalls, host.Models.Calls));
        Assert.Equal(["file", "inner", "outer"], host.Client.Catalog.List().Select(definition => definition.Name));
    }

    [Fact]
    public async Task SubWorkflow_ThatIsNotNamed_IsRefusedWithWhatToDo()
    {
        var code = new CodeWorkflows().Add(OneAgent("outer"), async (workflow, _) => (await workflow.CallWorkflowAsync("other")).Json);
        await using var host = await TestHost.StartAsync(code: code);

        var status = await host.WaitAsync(await host.Client.StartAsync("outer", JsonElement.Parse("{}")));

        Assert.Equal("failed", status.Reason());
        Assert.Contains("Workflow \"other\" was not pinned when the instance started", status.Error!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, null, "max_model_calls")]
    [InlineData(null, 60_000, "timeout")]
    [Trait("Row", "R8")]
    [Trait("Row", "B10")]
    public async Task Limits_OfTheWorkflow_EndTheRunThoughTheFunctionWaits(int? maxModelCalls, int? timeoutMs, string reason)
    {
        var code = new CodeWorkflows().Add(
            new WorkflowBuilder("limited")
                .Limits(new WorkflowLimits { MaxModelCalls = maxModelCalls, Timeout = timeoutMs is { } limit ? TimeSpan.FromMilliseconds(limit) : null })
                .Model("m", "offline").Agent("a", "m"),
            async (workflow, _) =>
            {
                // A wait that no limit of a call ends.
                var later = workflow.Durable.CreateTimerAsync(workflow.Durable.CurrentUtcDateTime.AddDays(400));
                for (var i = 0; i < 3 && maxModelCalls is not null; i++)
                {
                    await workflow.CallAgentAsync("a", $"{i}");
                }

                await later;
                return null;
            });
        await using var host = await TestHost.StartAsync(code: code);

        var status = await host.WaitAsync(await host.Client.StartAsync("limited", JsonElement.Parse("{}")));

        Assert.Equal(reason, status.Reason());
        Assert.InRange((status.CompletedTime!.Value - status.CreatedTime).TotalDays, 0, 1);
        Assert.Equal(maxModelCalls ?? 0, host.Models.Calls);
    }

    [Fact]
    public async Task Restart_OfAFunctionThatWasTakenAway_SaysSo()
    {
        var code = new CodeWorkflows().Add(OneAgent("gone"), (_, _) => Task.FromResult<JsonElement?>(null));
        await using var host = await TestHost.StartAsync();

        var status = await host.WaitAsync(await host.Client.StartAsync(code.Definitions[0], JsonElement.Parse("{}")));

        Assert.Equal(("failed", "code_not_found"), (status.Reason(), status.Error!.Code));
        Assert.Contains("No C# workflow \"gone\" is registered on this host. Register it, then rewind the instance.", status.Error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatBelongsToTheRun_IsRefused(bool isStatus)
    {
        var code = new CodeWorkflows().Add(OneAgent("own"), (workflow, _) =>
        {
            if (isStatus)
            {
                workflow.Durable.SetCustomStatus("1");
            }
            else
            {
                workflow.Durable.ContinueAsNew(null);
            }

            return Task.FromResult<JsonElement?>(null);
        });
        await using var host = await TestHost.StartAsync(code: code);

        var status = await host.WaitAsync(await host.Client.StartAsync("own", JsonElement.Parse("{}")));

        Assert.Equal("not_in_code_workflow", status.Error!.Code);
    }

    [Theory]
    [InlineData(true, true, null)]
    [InlineData(true, false, "price_unknown")]
    [InlineData(false, false, null)]
    [Trait("Row", "C11")]
    public async Task LimitOfMoney_NeedsThePriceOfEveryAgentsModelAtTheStart(bool isLimited, bool isKnown, string? problem)
    {
        var code = new CodeWorkflows().Add(
            new WorkflowBuilder("limited")
                .Limits(isLimited ? new WorkflowLimits { MaxCostUsd = 1 } : new WorkflowLimits())
                .Model("cheap", "openai", "gpt-4.1-mini").Model("dear", "openai", "house")
                .Agent("cheap", "cheap").Agent("dear", "dear"),
            async (workflow, _) => (await workflow.CallAgentAsync("cheap", "x")).Json);
        var prices = PriceTable.Shipped.With(PriceTable.Parse(JsonElement.Parse($$"""{"asOf":"2026-01-31","models":{ {{(isKnown ? "\"house\":{\"input\":1,\"output\":1}" : "")}} } }""")));
        await using var host = await TestHost.StartAsync(code: code);
        var client = new WorkflowClient(
            host.Engine.Client, new CodeCatalog(code, host.Client.Catalog), host.Engine.Definitions, host.Engine.Payloads,
            new ModelSettings(new Dictionary<string, ModelDefinition>(), EndpointPolicy.Default, prices).CheckPrices());

        var start = client.StartAsync("limited", JsonElement.Parse("{}"));

        Assert.Equal(problem, problem is null ? (await host.WaitAsync(await start)).Error?.Code : Assert.Single((await Assert.ThrowsAsync<WorkflowInvalidException>(() => start)).Problems).Code);
    }

    [Fact]
    public void Add_ANameTwice_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new CodeWorkflows().Add(OneAgent("one"), (_, _) => Task.FromResult<JsonElement?>(null)).Add(OneAgent("one"), (_, _) => Task.FromResult<JsonElement?>(null)));

    [Fact]
    public void CodeNode_InAFile_IsRefused()
    {
        var parsed = WorkflowParser.Parse(Core.Definitions.Sources.YamlSource.Read("name: w\nnodes: { a: { code: research } }").Root!);

        Assert.Contains(parsed.Problems, problem => problem.Code == "node_kind");
    }

    private static WorkflowBuilder OneAgent(string name) => new WorkflowBuilder(name).Model("m", "offline").Agent("a", "m");

    private sealed record Order(string Item, [property: Description("How many.")] int Count);

    private sealed record Receipt(string Item, int Total, Grade Grade);

    private sealed record Verdict(Grade Grade, string Why);

    private sealed record Sum([property: System.Text.Json.Serialization.JsonPropertyName("sum")] int Value);

    private enum Grade
    {
        Good,
        VeryGood,
    }
}
