using System.Collections.Immutable;
using System.Text;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>What a node sees of the others.</content>
internal sealed partial class WorkflowInstance
{
    /// <summary>Up to so many lists of stored messages go along with a call; more are joined.</summary>
    private const int MaxPackedLists = 16;

    /// <summary>Lists of messages that were moved to the payload store, with the orders of their messages.</summary>
    private readonly List<PackedMessages> _packedContext = [];

    /// <summary>
    /// Finds the result of one node that another sees: of a node before it in the same round, that round's; of one that comes before it only
    /// through a back edge, that of the last round of the loop that holds both. Neither depends on when things happen.
    /// </summary>
    private NodeResult? ViewOf(int node, int reader)
    {
        if (_plan.IsForwardAncestor(node, reader))
        {
            return _results[node];
        }

        var loop = _plan.CommonLoop(node, reader);
        return loop < 0 ? null : _snapshots[loop][node];
    }

    /// <summary>Finds the result that a node of a loop had in the round before.</summary>
    private NodeResult? LastRoundOf(int node) => Graph.InnermostLoop[node] is >= 0 and var loop ? _snapshots[loop][node] : null;

    /// <summary>Makes the scope in which a node's expressions are evaluated.</summary>
    private CallScope ScopeOf(int node, WorkflowPlan.Reads reads, NodeResult? own = null)
    {
        var definition = Graph.Nodes[node];
        Dictionary<string, NodeValue>? nodes = null;
        foreach (var read in reads.Nodes)
        {
            var result = read == node && own is not null ? own : ViewOf(read, node);
            (nodes ??= new Dictionary<string, NodeValue>(StringComparer.Ordinal))[Graph.Nodes[read].Name] = result?.ToValue() ?? new NodeValue { Status = "pending" };
        }

        var round = _graph.Nodes[node].Round;
        return new CallScope
        {
            DefinitionHash = _run.DefinitionHash,
            RootInstanceId = _calls.RootInstanceId,
            InstanceId = _logicalId,
            Node = definition.Name,
            Activation = Activation.Name(definition.Name, null, round),
            Round = round,
            Input = reads.Input ? _run.Input : null,
            Nodes = nodes,
        };
    }

    /// <summary>
    /// Gets a node's place among all results: for each loop around it, from the outside in, the loop's place and round, then the node's
    /// own place. Ordinal comparison gives the order of the graph.
    /// </summary>
    private string OrderOf(int node, GraphState? graph = null)
    {
        if (_plan.FixedOrderOf(node) is { } known)
        {
            return known;
        }

        var loops = new Stack<int>();
        for (var loop = Graph.InnermostLoop[node]; loop >= 0; loop = Graph.Loops[loop].Parent)
        {
            loops.Push(loop);
        }

        var order = new StringBuilder();
        foreach (var loop in loops)
        {
            order.Append($"{Graph.Position[Graph.Loops[loop].Header]:D4}.{(graph ?? _graph).Loops[loop].Round:D6}.");
        }

        return order.Append($"{Graph.Position[node]:D4}").ToString();
    }

    /// <summary>Gets the messages of a node's earlier rounds that some agent may still be given beside this result.</summary>
    private ImmutableList<NodeResult> EarlierOf(int node, NodeResult result)
    {
        var loop = Graph.InnermostLoop[node];
        var (first, last) = _plan.Retain(node);
        last = result.IsMessage ? Math.Max(0, last - 1) : last;
        if (loop < 0 || (first == 0 && last == 0) || LastRoundOf(node) is not { } previous)
        {
            return [];
        }

        var all = previous.IsMessage ? previous.Earlier.Add(previous with { Earlier = [] }) : previous.Earlier;
        return first >= all.Count || first + last >= all.Count ? all : [.. all.Take(first), .. all.Skip(Math.Max(first, all.Count - last))];
    }

    /// <summary>Collects the earlier messages that an agent may see, in the order of the graph.</summary>
    private IReadOnlyList<(NodeResult Result, int Node)> MessagesFor(int reader, AgentDefinition agent)
    {
        if (agent.Context is { Count: 0 })
        {
            return [];
        }

        var upstream = new List<(NodeResult Result, int Node)>();
        var sorted = true;
        foreach (var node in Graph.Upstream(reader))
        {
            // What a node has said stays, also when it was skipped since, or has yet to come in this round (join: any).
            var messages = (ViewOf(node, reader) ?? (_plan.IsForwardAncestor(node, reader) ? LastRoundOf(node) : null))?.Messages ?? [];
            foreach (var result in agent.Context is null ? messages.Skip(messages.Count - 1) : messages)
            {
                sorted = sorted && (upstream.Count == 0 || string.CompareOrdinal(upstream[^1].Result.Order, result.Order) <= 0);
                upstream.Add((result, node));
            }
        }

        // Without loops they come in order already, and sorting them for each node of a long chain would cost more than all else.
        var all = sorted ? upstream : [.. upstream.OrderBy(pair => pair.Result.Order, StringComparer.Ordinal)];
        if (agent.Context is not { } filters)
        {
            return all;
        }

        var passed = new SortedDictionary<string, (NodeResult, int)>(StringComparer.Ordinal);
        foreach (var filter in filters)
        {
            var matching = all.FindAll(pair => _plan.Matches(filter, pair.Node) && (filter.Role is null || filter.Role == pair.Result.Role));
            var chosen = (filter.First, filter.Last) switch
            {
                (null, null) => (IEnumerable<(NodeResult Result, int Node)>)matching,
                ({ } first, null) => matching.Take(first),
                (null, { } last) => matching.TakeLast(last),
                ({ } first, { } last) => matching.Take(first).Concat(matching.Skip(Math.Max(first, matching.Count - last))),
            };
            foreach (var pair in chosen)
            {
                passed[pair.Result.Order] = pair;
            }
        }

        return [.. passed.Values];
    }

    /// <summary>
    /// Makes the messages for a call. What would make the call too large goes to the payload store, in lists that the next nodes use again as far as
    /// they see the same messages.
    /// </summary>
    private async Task<(IReadOnlyList<Payload> Packed, IReadOnlyList<ContextMessage> Messages)> ContextOfAsync(int node, AgentDefinition agent)
    {
        // Half of it is in each call on average, and the more of it, the fewer references to what is stored: for some hundred messages this is the least in all.
        var limit = (_run.Revision >= 2 ? 6 : 12) * 1024;
        var found = MessagesFor(node, agent);
        if (SizeFrom(0) <= limit)
        {
            return ([], MessagesFrom(0));
        }

        var packed = new List<PackedMessages>();
        var done = 0;
        foreach (var list in _packedContext)
        {
            if (IsNext(list.Orders))
            {
                packed.Add(list);
                done += list.Orders.Length;
            }
        }

        if (packed.Count > MaxPackedLists && _run.Revision >= 2)
        {
            packed = [await JoinAsync(packed)];
        }

        IReadOnlyList<ContextMessage> rest = MessagesFrom(done);
        if (SizeFrom(done) > limit)
        {
            var list = new PackedMessages(OrdersFrom(done), await _calls.PackAsync([.. rest.Select(ToPayload)], PackMode.Items));
            _packedContext.Add(list);
            packed.Add(list);
            rest = [];
        }

        return ([.. packed.Select(list => list.Messages)], rest);

        // Calls carry a reference to each list; several thousand bytes of them leave no room for what the prompt reads.
        async Task<PackedMessages> JoinAsync(List<PackedMessages> lists)
        {
            var joined = new PackedMessages(
                [.. lists.SelectMany(list => list.Orders)], await _calls.PackAsync([.. lists.Select(list => list.Messages)], PackMode.Concat));

            // Before its parts, which stay for nodes that see fewer of them.
            _packedContext.Insert(0, joined);
            return joined;
        }

        string[] OrdersFrom(int start) => [.. found.Skip(start).Select(pair => pair.Result.Order)];

        int SizeFrom(int start)
        {
            var size = 0;
            for (var i = start; i < found.Count; i++)
            {
                size += RunCalls.SizeOf(found[i].Result.Output) + 100;
            }

            return size;
        }

        IReadOnlyList<ContextMessage> MessagesFrom(int start)
        {
            var messages = start == found.Count ? [] : new ContextMessage[found.Count - start];
            for (var i = 0; i < messages.Length; i++)
            {
                var (result, source) = found[start + i];
                messages[i] = new ContextMessage(Graph.Nodes[source].Name, result.Role!, result.Output!, result.Agent);
            }

            return messages;
        }

        bool IsNext(string[] orders)
        {
            if (done + orders.Length > found.Count)
            {
                return false;
            }

            for (var i = 0; i < orders.Length; i++)
            {
                if (found[done + i].Result.Order != orders[i])
                {
                    return false;
                }
            }

            return true;
        }

        static Payload ToPayload(ContextMessage message) => Payload.FromText(
            System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(message, Json.CoreJsonContext.Default.ContextMessage));
    }

    /// <summary>Messages in the payload store.</summary>
    /// <param name="Orders">Their places among all results.</param>
    /// <param name="Messages">The list.</param>
    private sealed record PackedMessages(string[] Orders, Payload Messages);
}
