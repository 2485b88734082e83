using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Values that nodes write together: who sees what, what is an error, and that nothing depends on timing.</summary>
[Trait("Row", "S12")]
public sealed class SharedStateTests
{
    private const string Head = "models: { m: { provider: offline } }\nagents: { a: { model: m, context: [] } }\n";

    [Fact]
    public async Task Branches_SeeNothingOfEachOther_UntilTheyJoin()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: branches
            state: { log: append, n: { reducer: sum, initial: 10 } }
            nodes:
              first: { transform: "{{ state.n }}", write: { log: first, n: 1 } }
              left: { transform: "{{ state.log.join(' ') }} {{ state.n }}", write: { log: left, n: 2 } }
              left2: { transform: "{{ state.log.join(' ') }} {{ state.n }}", write: { log: [left2, "{{ output }}"], n: 4 } }
              right: { transform: "{{ state.log.join(' ') }} {{ state.n }}", write: { log: right, n: 8 } }
              end: { transform: "{{ state.log.join(' ') }} {{ state.n }}" }
            edges: [first -> left -> left2 -> end, first -> right -> end]
            output: { end: "{{ nodes.end.output }}", right: "{{ nodes.right.output }}", left2: "{{ nodes.left2.output }}", n: "{{ state.n }}" }
            """);

        Assert.Equal(
            """{"end":"first left left2 first left 13 right 25","right":"first 11","left2":"first left 13","n":25}""", status.Output!.Value.GetRawText());
        Assert.Equal("""{"log":["first","left","left2","first left 13","right"],"n":25}""", status.State!.Value.GetRawText());
    }

    /// <summary>With <c>join: any</c>, which branch is first depends on timing; what is seen of both does not.</summary>
    [Theory]
    [InlineData("a", "b")]
    [InlineData("b", "a")]
    public async Task JoinAny_WhicheverBranchIsFirst_SeesWhatPrecedesBoth(string first, string second)
    {
        await using var host = await TestHost.StartAsync();
        var id = await host.StartAsync("""
            name: any
            state: { log: append }
            nodes:
              start: { transform: 1, write: { log: start } }
              a: { wait: { event: a }, write: { log: a } }
              b: { wait: { event: b }, write: { log: b } }
              either: { transform: "{{ state.log.join(' ') }}", join: any, write: { log: either } }
              both: { transform: "{{ state.log.join(' ') }}" }
            edges: ["start -> [a, b] -> either", "[either, a, b] -> both"]
            output: ["{{ nodes.either.output }}", "{{ nodes.both.output }}", "{{ state.log.join(' ') }}"]
            """);
        await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 2);
        await host.Engine.Client.RaiseEventAsync(id, first, "1");
        await host.UntilAsync(id, status => status.CustomStatus!.Nodes.Single(node => node.Node == "either").Status == "completed");
        await host.Engine.Client.RaiseEventAsync(id, second, "1");
        var status = await host.WaitAsync(id);

        Assert.Equal("""["start","start a b either","start a b either"]""", status.Output!.Value.GetRawText());
    }

    [Fact]
    public async Task Conditions_ReadWhatTheirNodeHasWritten_AndEndTheLoop()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: loop
            state: { n: sum, seen: append }
            nodes:
              step: { transform: same, write: { n: 1, seen: "{{ state.n }}" } }
              after: { transform: "{{ state.n }}" }
            edges: [step -> after, { from: step, to: step, when: "state.n < 4", max: 50 }]
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(4, status.Output!.Value.GetInt32());
        Assert.Equal("""{"n":4,"seen":[0,1,2,3]}""", status.State!.Value.GetRawText());
    }

    [Fact]
    public async Task Reducers_EachDoesWhatItSays_NullWritesNothing()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: reducers
            state: { list: { reducer: append, initial: [0] }, object: { reducer: merge, initial: { a: 0, z: 9 } }, sum: sum, exact: sum, min: min, max: { reducer: max, initial: 3 }, last: { reducer: replace, initial: x }, never: min }
            nodes:
              one: { transform: 0.1, write: { list: [1, [2]], object: { a: 1, b: { c: 1 } }, sum: 5, exact: "{{ output }}", min: 4, max: 2.5, last: one, never: null } }
              two: { transform: 0.2, write: { list: "{{ null }}", object: { b: { d: 2 } }, sum: -7, exact: "{{ output }}", min: 1.5, max: null, last: null } }
              three: { transform: 1.0, write: { list: { k: 1 }, object: null, sum: null, exact: "{{ -output }}", min: 2, max: 2 } }
            """);

        Assert.Equal(
            """{"exact":-0.7,"last":null,"list":[0,1,[2],{"k":1}],"max":3,"min":1.5,"never":null,"object":{"a":1,"z":9,"b":{"d":2}},"sum":-2}""", status.State!.Value.GetRawText());
    }

    [Fact]
    public async Task Write_ThatDoesNotFit_FailsTheNodeAsABadOutputDoes()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: unfit
            state: { points: { reducer: append, schema: { type: integer, minimum: 1 } }, n: sum }
            nodes: { a: { transform: [3, 0], write: { n: 1, points: "{{ output }}" } } }
            """);

        Assert.Equal("failed", status.Reason());
        Assert.Equal(("a", "state_invalid"), (status.Error!.Activation, status.Error.Code));
        Assert.Contains("state \"points\" (append) does not fit: /1: ", status.Error.Message);
        Assert.Equal("""{"n":0,"points":[]}""", status.State!.Value.GetRawText());
    }

    [Fact]
    public async Task OnError_SkippedWritesNothing_AValueIsWrittenLikeAnyOutput()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => messages[^1].Text.Contains("bad")
            ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text(messages[^1].Text));
        var status = await host.RunAsync($$$"""
            name: errors
            {{{Head}}}
            state: { log: { reducer: append, schema: { type: string } } }
            nodes:
              good: { agent: a, prompt: good, write: { log: "{{ output }}" } }
              skipped: { agent: a, prompt: bad, onError: skip, write: { log: "{{ output }}" } }
              value: { agent: a, prompt: bad, onError: { value: "instead {{ error.code }}" }, write: { log: "{{ output }}" } }
              unfit: { transform: 1, onError: { value: mended }, write: { log: "{{ [output] }}" } }
              items: { agent: a, forEach: "{{ ['x', 'bad', 'y'] }}", prompt: "{{ item }}", onError: skip, write: { log: "{{ index }} {{ output }}" } }
            edges: []
            output: "{{ state.log }}"
            """);

        Assert.Equal("""["good","instead content_filter","mended","0 x","2 y"]""", status.Output!.Value.GetRawText());
    }

    /// <summary>The items of children come back as one write for each value, in item order, whatever their order of completion.</summary>
    [Theory]
    [InlineData(1_000, 2_000)]
    [InlineData(1_000, 20)]
    public async Task ThousandItems_InChildren_AllAreWrittenInItemOrder(int count, int direct)
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = direct, MaxItemsPerChild = 90, OperationsPerGeneration = 40 });
        var random = new Random(7);
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            TimeSpan delay;
            lock (random)
            {
                delay = TimeSpan.FromMilliseconds(random.Next(900));
            }

            await Task.Delay(delay, host.Clock, cancellationToken);
            return TestModels.Text(messages[^1].Text);
        };
        var status = await host.RunAsync(
            $$$"""
            name: wide
            input: { type: object, required: [items], properties: { items: { type: array, items: { type: integer } } } }
            limits: { maxConcurrency: 50 }
            {{{Head}}}
            state: { log: append, share: sum, largest: max }
            nodes:
              each: { agent: a, forEach: "{{ input.items }}", prompt: "{{ item }}", write: { log: "{{ output }}", share: "{{ double(item) / 10.0 }}", largest: "{{ item }}" } }
              end: { transform: "{{ size(state.log) }} {{ state.share }} {{ state.largest }}" }
            """,
            new { items = Enumerable.Range(1, count) });

        Assert.Equal("completed", status.Reason());
        Assert.Equal("1000 50050.0 1000", status.Output!.Value.GetString());
        Assert.Equal(Enumerable.Range(1, count).Select(item => $"{item}"), status.State!.Value.GetProperty("log").EnumerateArray().Select(element => element.GetString()));
    }

    /// <summary>A termination condition ends the run at a message of the graph's order; what beside it was quicker does not count.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(5_000)]
    public async Task Termination_InTheMiddle_CountsNothingThatComesLaterInTheGraph(int delay)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(messages[^1].Text == "slow" ? delay : 100), host.Clock, cancellationToken);
            return TestModels.Text(messages[^1].Text == "slow" ? "DONE" : "more");
        };
        var status = await host.RunAsync($$$"""
            name: stop
            {{{Head}}}
            state: { log: append }
            nodes:
              one: { agent: a, prompt: slow, write: { log: one } }
              two: { agent: a, prompt: "quick {{ round }}", write: { log: "two {{ round }}" } }
              three: { agent: a, prompt: later, write: { log: three } }
            edges: [one -> three, { from: two, to: two, when: "round < 3", max: 5 }]
            termination: { textMention: DONE }
            output: "{{ state.log }}"
            """);

        Assert.Equal("""["one"]""", status.Output!.Value.GetRawText());
        Assert.Equal("""{"log":["one"]}""", status.State!.Value.GetRawText());
    }

    [Fact]
    public async Task LargeValues_ThroughManyGenerations_ArePassedByReference()
    {
        const int Nodes = 60;
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 5, MaxGenerationBytes = 12_000 });
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text($"{messages[^1].Text}{new string('x', 3_000)}"));
        var status = await host.RunAsync($$$"""
            name: large
            {{{Head}}}
            state: { log: append, all: merge, last: replace }
            nodes:
            {{{string.Join('\n', Enumerable.Range(1, Nodes).Select(i => $"  n{i}: {{ agent: a, prompt: \"{i} {{{{ size(state.log) }}}} \", write: {{ log: \"{{{{ output }}}}\", all: {{ k{i}: \"{{{{ output }}}}\" }}, last: \"{{{{ output }}}}\" }} }}"))}}}
            output: { log: "{{ size(state.log) }}", all: "{{ size(state.all) }}", first: "{{ state.log[0].substring(0, 4) }}", last: "{{ state.last.substring(0, 6) }}" }
            """);

        Assert.Equal("""{"log":60,"all":60,"first":"1 0 ","last":"60 59 "}""", status.Output!.Value.GetRawText());
        Assert.Equal(Enumerable.Range(1, Nodes).Select(i => $"{i} {i - 1} x"), status.State!.Value.GetProperty("log").EnumerateArray().Select(text => text.GetString()![..text.GetString()!.IndexOf('x')] + "x"));
        Assert.Contains(await host.Engine.Client.GetHistoryAsync(status.InstanceId), each => each is ContinuedAsNew);
    }

    [Fact]
    public async Task Sum_BeyondSixtyFourBits_FailsWhoeverReadsIt()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: overflow
            state: { n: { reducer: sum, initial: 9223372036854775807 } }
            nodes:
              a: { transform: 1, write: { n: "{{ output }}" } }
              b: { transform: "{{ state.n }}" }
            """);

        Assert.Equal(("failed", "b", "state_overflow"), (status.Reason(), status.Error!.Activation, status.Error.Code));
    }

    [Fact]
    public async Task SubWorkflow_HasItsOwnState_TheCallerWritesItsOutput()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: inner
            input: { type: object, required: [n], properties: { n: { type: integer } } }
            state: { n: sum }
            nodes: { a: { transform: 1, write: { n: "{{ input.n }}" } } }
            output: "{{ state.n }}"
            """);
        var status = await host.RunAsync("""
            name: outer
            state: { n: sum }
            nodes:
              a: { transform: 1, write: { n: 100 } }
              b: { workflow: inner, forEach: "{{ [1, 2, 3] }}", input: { n: "{{ item }}" }, write: { n: "{{ output }}" } }
            output: "{{ state.n }}"
            """);

        Assert.Equal(106, status.Output!.Value.GetInt32());
    }

    [Fact]
    public async Task Rewind_AfterAFailure_WritesNothingTwice()
    {
        await using var host = await TestHost.StartAsync();
        var isDown = true;
        host.Models.Respond = (_, messages, _, _) => isDown && messages[^1].Text == "3"
            ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text(messages[^1].Text));
        var status = await host.RunAsync($$$"""
            name: again
            {{{Head}}}
            state: { log: append }
            nodes:
              first: { agent: a, prompt: first, write: { log: "{{ output }}" } }
              each: { agent: a, forEach: "{{ [1, 2, 3] }}", prompt: "{{ item }}", write: { log: "{{ output }}" } }
            output: "{{ state.log }}"
            """);
        Assert.Equal("failed", status.Reason());
        Assert.Equal("""{"log":["first"]}""", status.State!.Value.GetRawText());

        isDown = false;
        await host.Client.RewindAsync(status.InstanceId, "try again");
        Assert.Equal("""["first","1","2","3"]""", (await host.WaitAsync(status.InstanceId)).Output!.Value.GetRawText());
    }

    [Fact]
    public async Task Status_WhileItWaits_ShowsTheStateSoFar_LargeValuesAtTheEnd()
    {
        await using var host = await TestHost.StartAsync();
        var id = await host.StartAsync("""
            name: waits
            input: { type: object, properties: { text: { type: string } } }
            state: { log: append, n: sum, large: replace }
            nodes:
              first: { transform: 1, write: { log: [a, b], n: 2 } }
              side: { transform: 1, write: { log: c, n: 3 } }
              big: { transform: "{{ input.text }}", write: { large: "{{ output }}" } }
              ask: { wait: { event: go } }
              end: { transform: 1, write: { n: 4 } }
            edges: [first -> ask -> end, "[side, big] -> end"]
            """, new { text = new string('x', 3_000) });
        var status = await host.UntilAsync(id, status => status.CustomStatus is { Done: 3, WaitingFor.Count: 1 });

        Assert.Equal("""{"log":["a","b","c"],"n":5}""", status.State!.Value.GetRawText());
        await host.Engine.Client.RaiseEventAsync(id, "go", null);
        var ended = (await host.WaitAsync(id)).State!.Value;
        Assert.Equal((9, 3_000), (ended.GetProperty("n").GetInt32(), ended.GetProperty("large").GetString()!.Length));
    }

    /// <summary>Tools write in the order of their calls, not of their ends, and before the node's own write.</summary>
    [Fact]
    public async Task Tools_OfOneAnswer_WriteInTheOrderOfTheCalls()
    {
        TestHost? host = null;
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create(
            async (int n) =>
            {
                ToolCallContext.Current!.WriteState("found", new { n, key = ToolCallContext.Current.EffectKey[^3..] });
                await Task.Delay(TimeSpan.FromSeconds(10 - n), host!.Clock);
                ToolCallContext.Current.WriteState("found", new[] { n * 10 });
                ToolCallContext.Current.WriteState("sum", n * 0.1m);
                return n;
            },
            "find"));
        await using var started = host = await TestHost.StartAsync(tools: tools);
        var rounds = 0;
        host.Models.Respond = (_, _, _, _) => Task.FromResult(rounds++ < 2
            ? new ChatResponse(new ChatMessage(ChatRole.Assistant, [Request(rounds), Request(rounds + 1), Request(rounds + 2)])) { FinishReason = ChatFinishReason.ToolCalls }
            : TestModels.Text("done"));
        var status = await host.RunAsync("""
            name: tools
            models: { m: { provider: offline } }
            agents: { a: { model: m, tools: [find] } }
            state: { found: append, sum: sum }
            nodes:
              work: { agent: a, prompt: go, write: { found: "{{ output }}" } }
              each: { tool: find, forEach: "{{ [7, 8, 9] }}", itemsPerActivity: 2, arguments: { n: "{{ item }}" } }
            output: "{{ state.found }}"
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(
            ["10", "20", "30", "20", "30", "40", "\"done\"", "70", "80", "90"],
            status.Output!.Value.EnumerateArray().Where(one => one.ValueKind != JsonValueKind.Object).Select(one => one.GetRawText()));
        Assert.Equal("3.9", status.State!.Value.GetProperty("sum").GetRawText());
        Assert.Equal(["1.0", "1.1", "1.2", "2.0", "2.1", "2.2"], status.State.Value.GetProperty("found").EnumerateArray()
            .Where(one => one.ValueKind == JsonValueKind.Object).Take(6).Select(one => one.GetProperty("key").GetString()));

        FunctionCallContent Request(int n) => new($"c{n}", "find", new Dictionary<string, object?> { ["n"] = n });
    }

    [Fact]
    public async Task Tools_WhatDoesNotFit_IsReadByTheModel_AndAFailedNodeDropsWhatWasWritten()
    {
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create(
            (string name) =>
            {
                ToolCallContext.Current!.WriteState("log", name);
                ToolCallContext.Current.WriteState(name, "x");
                return "ok";
            },
            "write"));
        await using var host = await TestHost.StartAsync(tools: tools);
        var read = new List<string?>();
        host.Models.Respond = (_, messages, _, _) =>
        {
            read = [.. messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => result.Result?.ToString())];
            return Task.FromResult(read.Count == 0
                ? new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. new[] { "log", "last", "sum", "none" }.Select((name, i) => new FunctionCallContent($"c{i}", "write", new Dictionary<string, object?> { ["name"] = name }))]))
                { FinishReason = ChatFinishReason.ToolCalls }
                : messages[0].Text == "fail" ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal)) : TestModels.Text("done"));
        };
        var status = await host.RunAsync("""
            name: unfit
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [], tools: [write] } }
            state: { log: append, last: replace, sum: sum }
            nodes:
              good: { agent: a, prompt: go }
              bad: { agent: a, prompt: fail, onError: { value: instead }, write: { log: "{{ output }}" } }
            output: "{{ state.log }}"
            """);

        // The three that broke off have written nothing, not even what fits; the node that has failed neither.
        Assert.Equal("""["log","x","instead"]""", status.Output!.Value.GetRawText());
        Assert.Equal("ok", read[0]);
        Assert.Contains("can't replace the state \"last\"", read[1]);
        Assert.Contains("expected a number", read[2]);
        Assert.Contains("has no state \"none\". It has: last, log, sum.", read[3]);
    }

    [Fact]
    public async Task Tools_OfATeam_WriteInTheOrderOfTheTurns()
    {
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create(
            (string text) =>
            {
                ToolCallContext.Current!.WriteState("log", text);
                return "noted";
            },
            "note"));
        await using var host = await TestHost.StartAsync(tools: tools);
        var turn = 0;
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(messages[^1].Role == ChatRole.Tool
            ? TestModels.Text("said")
            : new ChatResponse(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("c", "note", new Dictionary<string, object?> { ["text"] = $"turn {++turn}" })])) { FinishReason = ChatFinishReason.ToolCalls });
        var status = await host.RunAsync("""
            name: team
            models: { m: { provider: offline } }
            agents: { one: { model: m, tools: [note] }, two: { model: m, tools: [note] } }
            state: { log: append }
            nodes: { talk: { team: [one, two], prompt: go, maxTurns: 3, write: { log: "{{ output.stopReason }}" } } }
            output: "{{ state.log }}"
            """);

        Assert.Equal("""["turn 1","turn 2","turn 3","max_turns"]""", status.Output!.Value.GetRawText());
    }

    /// <summary>In C# the order is that in which calls are begun, whichever ends first.</summary>
    [Fact]
    public async Task CodeWorkflow_WritesItself_AndThroughItsTools_InTheOrderOfItsCalls()
    {
        TestHost? host = null;
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create(
            async (int n) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(10 - n), host!.Clock);
                ToolCallContext.Current!.WriteState("log", $"tool {n}");
                return n;
            },
            "find"));
        var builder = new WorkflowBuilder("code").State("log", StateReducer.Append).State("last", StateReducer.Replace);
        var code = new CodeWorkflows().Add(builder, async (workflow, _) =>
        {
            workflow.WriteState("log", "begin");
            var calls = new List<Task<int>>();
            for (var n = 1; n < 4; n++)
            {
                calls.Add(workflow.CallToolAsync<int>("find", new { n }));
                workflow.WriteState("log", $"begun {n}");
            }

            await Task.WhenAll(calls);
            workflow.WriteState("last", "end");
            Assert.Equal("state_invalid", Assert.Throws<PolyphonyException>(() => workflow.WriteState("other", 1)).Code);
            return null;
        });
        await using var started = host = await TestHost.StartAsync(tools: tools, code: code);
        var status = await host.WaitAsync(await host.Client.StartAsync("code", TestHost.Json(null)));

        Assert.Equal("completed", status.Reason());
        Assert.Equal("""{"last":"end","log":["begin","tool 1","begun 1","tool 2","begun 2","tool 3","begun 3"]}""", status.State!.Value.GetRawText());
    }

    [Fact]
    public async Task Builder_WritesTheSameAsAFile()
    {
        await using var host = await TestHost.StartAsync();
        var definition = new WorkflowBuilder("built")
            .State("log", StateReducer.Append, new System.Text.Json.Nodes.JsonObject { ["type"] = "string" }, new System.Text.Json.Nodes.JsonArray("0"))
            .TransformNode("a", 1, node => node.Write("log", "{{ output }}"))
            .Output("{{ state.log }}")
            .Build();
        var file = TestHost.Parse("""
            name: built
            state: { log: { reducer: append, schema: { type: string }, initial: ["0"] } }
            nodes: { a: { transform: 1, write: { log: "{{ output }}" } } }
            output: "{{ state.log }}"
            """);

        Assert.Equal(file.CanonicalJson, definition.CanonicalJson);
        Assert.Equal(file.CanonicalJson, WorkflowDefinition.FromJson(file.CanonicalJson).CanonicalJson);
        var status = await host.WaitAsync(await host.Client.StartAsync(definition, JsonSerializer.SerializeToElement(new { })));
        Assert.Equal("state_invalid", status.Error!.Code);
    }
}
