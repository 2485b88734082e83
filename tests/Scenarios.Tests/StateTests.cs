using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Graph;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>What happens to state: nothing lost, nothing mixed, nothing changed behind one's back.</summary>
public sealed class StateTests
{
    [Fact]
    [Trait("Row", "S1")]
    [Trait("Row", "C2")]
    public async Task ForcedInterleaving_EveryOrderOfCompletion_KeepsEveryResult()
    {
        // Five calls in flight are let go in each of the 120 orders.
        foreach (var order in Permutations([0, 1, 2, 3, 4]))
        {
            var gates = Enumerable.Range(0, 5).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
            using var arrived = new CountdownEvent(5);
            await using var host = await TestHost.StartAsync();
            host.Models.Respond = async (_, messages, _, _) =>
            {
                arrived.Signal();
                await gates[int.Parse(messages[^1].Text)].Task;
                return TestModels.Text(messages[^1].Text);
            };
            using var hold = host.Clock.Hold();
            var id = await host.StartAsync("""
                name: race
                limits: { maxConcurrency: 5 }
                models: { m: { provider: offline } }
                agents: { a: { model: m, context: [] } }
                nodes: { each: { agent: a, forEach: "{{ [0, 1, 2, 3, 4] }}", prompt: "{{ item }}" } }
                """);
            Assert.True(arrived.Wait(TimeSpan.FromSeconds(30)));
            foreach (var item in order)
            {
                gates[item].SetResult();
            }

            var status = await host.WaitAsync(id);
            Assert.Equal("""["0","1","2","3","4"]""", status.Output!.Value.GetRawText());
        }
    }

    [Fact]
    [Trait("Row", "S4")]
    public async Task ManyInstances_SameAgents_NeverSeeEachOther()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(string.Join('+', messages.Select(message => message.Text))));
        const string Yaml = """
            name: isolated
            input: { type: object, required: [who], properties: { who: { type: string } } }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              one: { agent: a, prompt: "one {{ input.who }}" }
              two: { agent: a, prompt: "two {{ input.who }}" }
              three: { agent: a, prompt: "three {{ input.who }}" }
            """;
        var definition = TestHost.Parse(Yaml);
        var ids = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => host.Client.StartAsync(definition, TestHost.Json(new { who = $"<{i}>" }))));
        for (var i = 0; i < ids.Length; i++)
        {
            var text = (await host.WaitAsync(ids[i])).Output!.Value.GetString()!;
            Assert.Contains($"three <{i}>", text);
            var strangers = Enumerable.Range(0, 50).Where(other => other != i && text.Contains($"<{other}>", StringComparison.Ordinal));
            Assert.Empty(strangers);
        }
    }

    [Fact]
    [Trait("Row", "S5")]
    public void GraphState_Updated_LeavesTheOldOneUntouched()
    {
        var graph = TestHost.Parse("""
            name: state
            nodes: { a: { transform: 1 }, b: { transform: 2 } }
            edges: [ "a -> b", { from: b, to: a, when: "round < 2", max: 2 } ]
            """).Graph;
        var created = GraphState.Create(graph);
        var before = Describe(created);
        var started = created.Start(0);
        var beforeStarted = Describe(started);
        var completed = started.Complete(0, [true], 1);
        var again = completed.Start(1).Complete(1, [true], 2);
        Assert.Equal(before, Describe(created));
        Assert.Equal(beforeStarted, Describe(started));
        Assert.Equal(NodePhase.Ready, again.Nodes[0].Phase);
        Assert.Equal(2, again.Nodes[0].Round);
        Assert.Equal(NodePhase.Ready, completed.Nodes[1].Phase);

        static string Describe(GraphState state) => JsonSerializer.Serialize(new { state.Nodes, state.Edges, Loops = state.Loops.Select(loop => loop.ToString()) });
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task LargeOutput_FiveMegabytes_CostsTheHistoryAReference()
    {
        await using var host = await TestHost.StartAsync();
        var large = new string('x', 5 * 1024 * 1024);
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(messages[^1].Text == "large" ? large : $"saw {messages[^1].Text.Length}"));
        var status = await host.RunAsync("""
            name: large
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              make: { agent: a, prompt: large }
              use: { agent: a, prompt: "{{ nodes.make.output }}" }
              big: { transform: "{{ size(nodes.make.output) }}" }
              small: { transform: never }
            edges:
              - make -> use -> big
              - { from: use, to: small, when: "size(nodes.make.output) < 100" }
            output: { size: "{{ nodes.big.output }}", use: "{{ nodes.use.output }}", small: "{{ nodes.small.status }}", all: "{{ nodes.make.output }}" }
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal(5 * 1024 * 1024, status.Output!.Value.GetProperty("size").GetInt32());
        Assert.Equal("saw 5242880", status.Output.Value.GetProperty("use").GetString());
        Assert.Equal("skipped", status.Output.Value.GetProperty("small").GetString());
        Assert.Equal(large, status.Output.Value.GetProperty("all").GetString());
        var history = await host.Engine.Client.GetHistoryAsync(status.InstanceId);
        var bytes = history.Sum(each => JsonSerializer.Serialize(each, Core.Json.CoreJsonContext.Default.HistoryEvent).Length);
        Assert.InRange(bytes, 1, 40_000);
    }

    [Fact]
    [Trait("Row", "S9")]
    public async Task DefinitionChanges_WhileInstanceRuns_ItKeepsTheOneItStartedWith()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var old = Version("old");
        host.AddWorkflow(old);
        var id = await host.Client.StartAsync("pinned", TestHost.Json(null));
        await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        host.AddWorkflow(Version("new"));
        var second = await host.Client.StartAsync("pinned", TestHost.Json(null));
        await host.UntilAsync(second, status => status.CustomStatus?.WaitingFor.Count == 1);
        await host.Engine.Client.RaiseEventAsync(id, "go", null);
        await host.Engine.Client.RaiseEventAsync(second, "go", null);
        Assert.Equal("old", (await host.WaitAsync(id)).Output!.Value.GetString());
        Assert.Equal("new", (await host.WaitAsync(second)).Output!.Value.GetString());

        static string Version(string text) => $$"""
            name: pinned
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              wait: { wait: { event: go } }
              say: { agent: a, prompt: {{text}} }
            """;
    }

    [Fact]
    [Trait("Row", "S3")]
    [Trait("Row", "T5")]
    public async Task ThousandNodes_InSequence_RunInBoundedHistories()
    {
        await using var host = await TestHost.StartAsync();
        var nodes = string.Join('\n', Enumerable.Range(1, 1000).Select(i => $"  n{i}: {{ agent: a, prompt: \"{(i == 1 ? "0" : $"{{{{ int(nodes.n{i - 1}.output) + 1 }}}}")}\" }}"));
        var status = await host.RunAsync($$$"""
            name: thousand
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
            {{{nodes}}}
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal("999", status.Output!.Value.GetString());
        Assert.Equal(1000, status.Outcomes!.Count);
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => $"n{i}"), status.Outcomes.Select(outcome => outcome.Outcome.Activation));
        var generation = 0;
        var longest = 0;
        foreach (var each in await host.Engine.Client.GetHistoryAsync(status.InstanceId))
        {
            generation = each is ContinuedAsNew ? 0 : generation + 1;
            longest = Math.Max(longest, generation);
        }

        Assert.InRange(longest, 10, 1_000);
    }

    [Fact]
    [Trait("Row", "S3")]
    [Trait("Row", "O5")]
    public async Task ForEachInManyPartsThenManyNodes_ContinuesAsNew_KeepsAllOutcomes()
    {
        // Fifty lists of outcomes, each small enough to stay in place: together they are four times what a state may take.
        await using var host = await TestHost.StartAsync();
        var nodes = string.Join('\n', Enumerable.Range(1, 70).Select(i => $"  n{i}: {{ agent: a, prompt: \"{i}\" }}"));
        var status = await host.RunAsync(
            $$$"""
            name: parts
            limits: { maxConcurrency: 100 }
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              each: { agent: a, forEach: "{{ input.items }}", prompt: "item {{ item }}" }
            {{{nodes}}}
            """,
            new { items = Enumerable.Range(0, 400).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(
            Enumerable.Range(0, 400).Select(i => $"each[{i}]").Concat(Enumerable.Range(1, 70).Select(i => $"n{i}")),
            status.Outcomes!.Select(outcome => outcome.Outcome.Activation));
        Assert.Contains(await host.Engine.Client.GetHistoryAsync(status.InstanceId), each => each is ContinuedAsNew);
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task ThousandNodes_EachSeesAllEarlierOnes_ContextIsPackedAndComplete()
    {
        await using var host = await TestHost.StartAsync();
        var seen = 0;
        host.Models.Respond = (_, messages, _, _) =>
        {
            seen = messages.Count;
            return Task.FromResult(TestModels.Text($"{messages[^1].Text} {new string('.', 300)}"));
        };
        var nodes = string.Join('\n', Enumerable.Range(1, 150).Select(i => $"  n{i}: {{ agent: a, prompt: \"p{i}\" }}"));
        var status = await host.RunAsync($$$"""
            name: context
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
            {{{nodes}}}
            """);
        Assert.Equal("completed", status.Reason());

        // The 149 before it, and its own prompt.
        Assert.Equal(150, seen);
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task Context_OfManyLongMessages_StaysShortInEachCallAndComplete()
    {
        // Two such answers are more than a call takes, so every second node moves a list to the payload store.
        const int Nodes = 120;
        var most = 0;
        var last = default(AgentCall);
        await using var host = await TestHost.StartAsync(
            (call, _) =>
            {
                most = Math.Max(most, call.PackedContext.Count);
                last = call;
                return Task.FromResult(new AgentCallResult
                {
                    Output = Payload.Inline(JsonSerializer.SerializeToElement($"{call.Scope.Node}{new string('.', 3900)}")),
                    Usage = new Usage(1, 1, 1, 0),
                });
            },
            InterpreterOptions.InMemory);
        var status = await host.RunAsync($$$"""
            name: talk
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            limits: { maxModelCalls: 100000 }
            nodes:
            {{{string.Join('\n', Enumerable.Range(1, Nodes).Select(i => $"  n{i}: {{ agent: a, prompt: go on }}"))}}}
            """);

        Assert.Equal("completed", status.Reason());
        Assert.InRange(most, 10, 18);
        var seen = new List<string>();
        foreach (var list in last!.PackedContext)
        {
            seen.AddRange((await PayloadReader.ReadAsync(host.Engine.Payloads, list)).EnumerateArray().Select(message => message.GetProperty("source").GetString()!));
        }

        Assert.Equal(Enumerable.Range(1, Nodes - 1).Select(i => $"n{i}"), seen.Concat(last.Context.Select(message => message.Source)));
    }

    /// <summary>The references of so many large results, and so many nodes, do not fit what one generation passes to the next as they are.</summary>
    [Theory]
    [InlineData(450, 5_000)]
    [InlineData(2_000, 5_000)]
    [InlineData(SourceLimits.MaxNodes, 20)]
    [Trait("Row", "S3")]
    [Trait("Row", "T5")]
    public async Task State_OfManyNodesOrLargeResults_IsPackedAndComplete(int count, int length)
    {
        await using var host = await TestHost.StartAsync(interpreter: InterpreterOptions.InMemory);
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text($"{messages[^1].Text}{new string('.', length)}"));
        var nodes = string.Join('\n', Enumerable.Range(1, count).Select(i => $"  n{i}: {{ agent: a, prompt: \"{i}\" }}"));
        var status = await host.RunAsync($$$"""
            name: large
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            limits: { maxModelCalls: 100000 }
            nodes:
            {{{nodes}}}
            output: { first: "{{ nodes.n1.output }}", last: "{{ nodes.n{{{count}}}.output }}" }
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(count, host.Models.Calls);
        Assert.Equal($"1{new string('.', length)}", status.Output!.Value.GetProperty("first").GetString());
        Assert.Equal($"{count}{new string('.', length)}", status.Output.Value.GetProperty("last").GetString());
        Assert.Equal(Enumerable.Range(1, count).Select(i => $"n{i}"), status.Outcomes!.Select(outcome => outcome.Outcome.Activation));
    }

    [Theory]
    [InlineData(DurableLimits.MaxPayloadBytes)]
    [InlineData(1_000)]
    [InlineData(1)]
    [Trait("Row", "H5")]
    public async Task Restart_InstanceThatContinuedAsNew_BeginsFromItsFirstInput(int maxGenerationBytes)
    {
        await using var host = await TestHost.StartAsync(
            interpreter: new InterpreterOptions { OperationsPerGeneration = 3, MaxGenerationBytes = maxGenerationBytes });
        var status = await host.RunAsync(
            """
            name: again
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              n1: { agent: a, prompt: "1 {{ input.text }}" }
              n2: { agent: a, prompt: "2" }
              n3: { agent: a, prompt: "3" }
              n4: { agent: a, prompt: "4" }
              n5: { agent: a, prompt: "5" }
            output: "{{ nodes.n1.output }}"
            """,
            new { text = new string('x', 10_000) });
        Assert.Contains(await host.Engine.Client.GetHistoryAsync(status.InstanceId), each => each is ContinuedAsNew);
        Assert.Equal(5, host.Models.Calls);
        var again = await host.WaitAsync(await host.Client.RestartAsync(status.InstanceId));
        Assert.Equal(10, host.Models.Calls);
        Assert.Equal(10_002, again.Output!.Value.GetString()!.Length);
        Assert.Equal(5, again.Outcomes!.Count);
    }

    /// <summary>What the program keeps by itself has ids of its own: no way to start an instance may take one.</summary>
    [Theory]
    [InlineData("mailbox:", "mailboxes")]
    [InlineData("polyphony-schedule.", "schedules")]
    [InlineData("polyphony-lock.", "locks")]
    [Trait("Row", "H5")]
    public async Task StartAndRestart_WithAReservedId_AreRefused(string prefix, string owners)
    {
        await using var host = await TestHost.StartAsync();
        const string File = """
            name: one
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { n: { agent: a, prompt: "1" } }
            output: "{{ nodes.n.output }}"
            """;
        var status = await host.RunAsync(File, new { });

        var started = await Assert.ThrowsAsync<InstanceIdInvalidException>(() => host.StartAsync(File, new { }, new StartWorkflowOptions { InstanceId = $"{prefix}x" }));
        var again = await Assert.ThrowsAsync<InstanceIdInvalidException>(() => host.Client.RestartAsync(status.InstanceId, $"{prefix}x"));

        Assert.EndsWith($"Ids that begin with \"{prefix}\" are those of {owners}. Choose another id.", started.Message, StringComparison.Ordinal);
        Assert.Equal(started.Message, again.Message);
        Assert.Null(await host.Engine.Client.GetAsync($"{prefix}x"));
    }

    [Fact]
    [Trait("Row", "S7")]
    [Trait("Row", "S9")]
    public async Task InterpreterChanged_WhileInstanceRuns_StopsItUntouchedAndResumesWithTheOldOne()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("polyphony-").FullName, "data.db");
        string id;
        await using (var host = await TestHost.StartAsync(path: path))
        {
            id = await host.StartAsync("""
                name: changed
                models: { m: { provider: offline } }
                agents: { a: { model: m, context: [] } }
                nodes:
                  each: { agent: a, forEach: "{{ ['a', 'b', 'c'] }}", prompt: "{{ item }}" }
                  wait: { wait: { event: go } }
                  end: { transform: "{{ nodes.each.output }}" }
                """);
            await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        }

        // A version of the interpreter that would divide the list among children.
        await using (var host = await TestHost.StartAsync(path: path, interpreter: new InterpreterOptions { MaxDirectItems = 1 }))
        {
            await host.Engine.Client.RaiseEventAsync(id, "go", null);
            var stopped = await host.UntilAsync(id, status => status.RuntimeStatus == Core.Durable.OrchestrationRuntimeStatus.Suspended);
            Assert.Equal("non_deterministic", stopped.Error!.Code);
            Assert.Contains("polyphony-agent", stopped.Error.Message);
        }

        await using (var host = await TestHost.StartAsync(path: path))
        {
            await host.Engine.Client.ResumeAsync(id);
            var status = await host.WaitAsync(id);
            Assert.Equal("""["a","b","c"]""", status.Output!.Value.GetRawText());
            Assert.Equal(0, host.Models.Calls);
        }

        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private static IEnumerable<int[]> Permutations(int[] items) => items.Length <= 1
        ? [items]
        : items.SelectMany(first => Permutations([.. items.Where(item => item != first)]).Select(rest => (int[])[first, .. rest]));
}
