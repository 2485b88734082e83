using System.Text;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Tests.Definitions;

namespace Polyphony.Core.Tests.Runs;

/// <summary>What nodes of random graphs read of the state, in random orders of completion.</summary>
[Trait("Row", "S12")]
[Trait("Row", "S3")]
public sealed class SharedStateTests
{
    /// <summary>Edges are taken or not by node and round alone; joins are of both kinds. Writes are put together as early as possible, now and then, or never.</summary>
    [Fact]
    public async Task Reads_InAnyOrderOfCompletion_AreTheSame()
    {
        var compacted = 0;
        for (var seed = 0; seed < 500; seed++)
        {
            var plan = new WorkflowPlan(Parse(seed));
            var expected = await RunAsync(plan, seed, 0, compactEvery: 0);
            foreach (var (order, every) in ((int, int)[])[(1, 1), (2, 1), (3, 3), (4, 0), (5, 1)])
            {
                var found = await RunAsync(plan, seed, order, every);
                Assert.True(expected.Reads.SequenceEqual(found.Reads), $"seed {seed}, order {order}\n{string.Join('\n', expected.Reads.Except(found.Reads))}\nfound\n{string.Join('\n', found.Reads.Except(expected.Reads))}");
                Assert.Equal(expected.Final, found.Final);
                compacted += every == 1 && found.Kept == 0 ? 1 : 0;
            }
        }

        // At the end nothing may run that does not see everything.
        Assert.Equal(1_500, compacted);
    }

    /// <summary>Without loops and with plain joins, a node reads what all its ancestors have written, and nothing else.</summary>
    [Fact]
    public async Task Reads_OfGraphsWithoutLoops_AreThoseOfAllAncestors()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var plan = new WorkflowPlan(Parse(seed, loops: false, any: false));
            var run = await RunAsync(plan, seed, 1, compactEvery: 1);
            foreach (var read in run.Reads)
            {
                var node = plan.IndexOf(read[..read.IndexOf('#', StringComparison.Ordinal)]);
                var ancestors = plan.Graph.Order.Where(other => plan.IsForwardAncestor(other, node)).Select(other => $"{plan.Graph.Nodes[other].Name}#1").Where(run.Final.Split(' ').Contains);
                Assert.Equal($"{plan.Graph.Nodes[node].Name}#1: {string.Join(' ', ancestors)}", read);
            }
        }
    }

    [Fact]
    public async Task Chain_OfManyNodes_KeepsNoWriteApart()
    {
        const int Nodes = 2_000;
        var names = string.Join('\n', Enumerable.Range(0, Nodes).Select(i => $"  n{i}: {{ transform: 1, write: {{ log: x }} }}"));
        var plan = new WorkflowPlan(Definition($"name: chain\nstate: {{ log: append }}\nnodes:\n{names}\n"));
        var schedule = new NodeSchedule(plan);
        var state = new SharedState(plan, schedule, null!);
        state.Begin(null);
        while (schedule.StartNext() is { } node)
        {
            schedule.Leave(node);
            state.Add(node, Change(plan, "1"));
            schedule.Complete(node, [.. plan.Graph.Outgoing[node].Select(_ => true)], 0);
            state.Compact();
            Assert.Null(state.Save()!.Writes);
        }

        Assert.Equal(Nodes, (await state.ReadFinalAsync(["log"], null))["log"].Json!.Value.GetArrayLength());
    }

    private static async Task<(List<string> Reads, string Final, int Kept)> RunAsync(WorkflowPlan plan, int seed, int order, int compactEvery)
    {
        var random = new Random((seed * 31) + order);
        var schedule = new NodeSchedule(plan);
        var state = new SharedState(plan, schedule, null!);
        state.Begin(null);
        var underWay = new List<int>();
        var reads = new List<string>();
        for (var step = 0; ; step++)
        {
            while (schedule.StartNext() is { } ready)
            {
                underWay.Add(ready);
                reads.Add($"{Name(ready)}: {Text((await state.ReadAsync(ready, ["log"]))["log"])}");
            }

            if (underWay.Count == 0)
            {
                break;
            }

            // Order 0 takes them as they come in the graph, the others at random.
            var node = order == 0 ? underWay.MinBy(each => plan.Graph.Position[each]) : underWay[random.Next(underWay.Count)];
            underWay.Remove(node);
            schedule.Leave(node);
            if (Hash(seed, Name(node)) % 7 == 0)
            {
                schedule.Skip(node);
            }
            else
            {
                state.Add(node, Change(plan, $"\"{Name(node)}\""));
                schedule.Complete(node, [.. plan.Graph.Outgoing[node].Select(edge => Hash(seed, $"{Name(node)}>{edge}") % 4 > 0)], (ulong)schedule.RoundOf(node));
            }

            if (compactEvery > 0 && step % compactEvery == 0)
            {
                state.Compact();
            }
        }

        reads.Sort(StringComparer.Ordinal);
        return (reads, Text((await state.ReadFinalAsync(["log"], null))["log"]), state.Save()!.Writes?.Count ?? 0);

        string Name(int node) => $"{plan.Graph.Nodes[node].Name}#{schedule.RoundOf(node)}";
    }

    private static StateChange Change(WorkflowPlan plan, string json) => StateChange.Of(plan.Definition, [("log", Payload.FromText(Encoding.UTF8.GetBytes($"[{json}]")))]);

    private static string Text(Payload list) => string.Join(' ', list.Json!.Value.EnumerateArray().Select(element => element.GetString()));

    private static int Hash(int seed, string text) => (int)(BitConverter.ToUInt32(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes($"{seed} {text}"))) >> 1);

    private static WorkflowDefinition Parse(int seed, bool loops = true, bool any = true)
    {
        var graph = RandomGraph.Valid(seed);
        var random = new Random(seed);
        var text = new StringBuilder("name: random\nstate: { log: append }\nnodes:\n");
        for (var node = 0; node < graph.Count; node++)
        {
            text.Append($"  n{node}: {{ transform: 1, write: {{ log: x }}{(any && random.Next(3) == 0 ? ", join: any" : "")} }}\n");
        }

        text.Append("edges:\n");
        foreach (var (from, to, back) in graph.Edges.Where(edge => loops || !edge.Back))
        {
            text.Append($"  - {{ from: n{from}, to: n{to}{(back ? $", max: {random.Next(1, 3)}" : "")} }}\n");
        }

        return Definition(graph.Edges.Any(edge => loops || !edge.Back) ? text.ToString() : text.ToString().Replace("edges:\n", "edges: []\n", StringComparison.Ordinal));
    }

    private static WorkflowDefinition Definition(string yaml) => WorkflowParser.Parse(YamlSource.Read(yaml).Root!).Require();
}
