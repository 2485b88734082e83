using System.Text.Json;
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
