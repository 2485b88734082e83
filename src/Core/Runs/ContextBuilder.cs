using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Graph;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>What a node gets to see of a run: the values that its expressions read, and the messages that its agent is given.</summary>
internal sealed class ContextBuilder(RunContext run, NodeSchedule schedule, ResultStore results, SharedState state)
{
    /// <summary>
    /// So many bytes of messages stay in a call. Half of it is in each call on average, and the more of it, the fewer references to what is stored: for some hundred messages this is
    /// the least in all.
    /// </summary>
    private const int MaxInlineBytes = 6 * 1024;

    /// <summary>Up to this many lists of stored messages go along with a call; more are joined.</summary>
    private const int MaxPackedLists = 16;

    /// <summary>Lists of messages that were moved to the payload store, with the orders of their messages.</summary>
    private readonly List<PackedMessages> _packed = [];

    private WorkflowGraph Graph => run.Graph;

    /// <summary>Finds what the expressions of a node read, its edges' conditions aside.</summary>
    public WorkflowPlan.Reads ReadsOf(int node)
    {
        var definition = Graph.Nodes[node];
        var sites = definition.Kind.Reads;
        var reads = Of(sites[0]);
        for (var i = 1; i < sites.Count; i++)
        {
            reads = reads.And(Of(sites[i]));
        }

        if (definition.Writes.Count > 0)
        {
            reads = reads.And(Of(ExpressionSiteKind.Write, -1));
        }

        reads = definition.Lock is null ? reads : reads.And(Of(ExpressionSiteKind.Lock));
        return definition.OnError.Kind == ErrorPolicyKind.Value ? reads.And(Of(ExpressionSiteKind.ErrorValue)) : reads;

        WorkflowPlan.Reads Of(ExpressionSiteKind kind, int index = 0) => run.Plan.ReadsOf(node, new ExpressionSite(kind, index));
    }

    /// <summary>Makes the scope in which a node's expressions are evaluated.</summary>
    /// <param name="node">The node, which is under way.</param>
    /// <param name="reads">What they read.</param>
    /// <param name="own">The node's own result, if they may read it.</param>
    /// <param name="written">What the node has written to the state, if they may read it.</param>
    /// <exception cref="CallFailedException">The state can't be read.</exception>
    public ValueTask<CallScope> ScopeOfAsync(int node, WorkflowPlan.Reads reads, NodeResult? own = null, StateChange? written = null)
    {
        var scope = ScopeOf(node, reads, own);
        return reads.State.IsEmpty ? new(scope) : new(WithStateAsync());

        async Task<CallScope> WithStateAsync() => scope with { State = await state.ReadAsync(node, reads.State, written) };
    }

    private CallScope ScopeOf(int node, WorkflowPlan.Reads reads, NodeResult? own)
    {
        var definition = Graph.Nodes[node];
        Dictionary<string, NodeValue>? nodes = null;
        foreach (var read in reads.Nodes)
        {
            var result = read == node && own is not null ? own : results.ViewOf(read, node);
            (nodes ??= new Dictionary<string, NodeValue>(StringComparer.Ordinal))[Graph.Nodes[read].Name] = result?.ToValue() ?? new NodeValue { Status = "pending" };
        }

        var round = schedule.RoundOf(node);
        return new CallScope
        {
            DefinitionHash = run.Input.DefinitionHash,
            RootInstanceId = run.Calls.RootInstanceId,
            RootWorkflow = run.Input.RootWorkflow,
            InstanceId = run.LogicalId,
            Node = definition.Name,
            Activation = Activation.Name(definition.Name, null, round),
            Round = round,
            Input = reads.Input ? run.Input.Input : null,
            Message = run.Input.Message?.Scope,
            Nodes = nodes,
            Trace = run.Input.Trace,
        };
    }

    /// <summary>Gives an agent's activation the messages that it may see.</summary>
    public async Task<Activation> WithContextAsync(Activation activation, int node)
    {
        if (activation.Node.Kind.AgentOf(activation.Node) is not { } agent)
        {
            return activation;
        }

        var definition = run.Plan.Definition.Agents[agent];
        var (packed, messages) = await ContextOfAsync(node, definition);
        if (run.Input.Message is { Conversation: { } conversation } handled)
        {
            (packed, messages) = await WithConversationAsync(definition, conversation, handled.ConversationMessages, packed, messages);
        }

        return activation with { Context = messages, PackedContext = packed };
    }

    /// <summary>Puts the conversation of the source before the messages of the run: all that is kept of it, or what the agent's filters choose.</summary>
    private async Task<(IReadOnlyList<Payload> Packed, IReadOnlyList<ContextMessage> Messages)> WithConversationAsync(
        AgentDefinition agent, Payload conversation, int count, IReadOnlyList<Payload> packed, IReadOnlyList<ContextMessage> messages)
    {
        if (agent.Context is { } filters)
        {
            var chosen = new SortedSet<int>();
            foreach (var filter in filters.Where(filter => filter.From == MessageFilter.Conversation))
            {
                // Questions and answers take turns.
                var matching = Enumerable.Range(0, count).Where(i => filter.Role is null || filter.Role == (i % 2 == 0 ? "user" : "assistant")).ToList();
                chosen.UnionWith(Choose(matching, filter));
            }

            if (chosen.Count == 0)
            {
                return (packed, messages);
            }

            conversation = chosen.Count == count ? conversation : await run.Calls.PackAsync([.. chosen.Select(conversation.Item)]);
        }

        if (conversation.IsInline && packed.Count == 0)
        {
            var before = conversation.Json!.Value.Deserialize(CoreJsonContext.Default.ListContextMessage)!;
            return (packed, [.. before, .. messages]);
        }

        return ([conversation, .. packed], messages);
    }

    /// <summary>Collects the earlier messages that an agent may see, in the order of the graph.</summary>
    private IReadOnlyList<(NodeResult Result, int Node)> MessagesFor(int reader, AgentDefinition agent) => agent.Context switch
    {
        { Count: 0 } => [],
        null => UpstreamOf(reader, onlyLatest: true),
        { } filters => Filter(UpstreamOf(reader, onlyLatest: false), filters),
    };

    private List<(NodeResult Result, int Node)> UpstreamOf(int reader, bool onlyLatest)
    {
        var upstream = new List<(NodeResult Result, int Node)>();
        var sorted = true;
        foreach (var node in Graph.Upstream(reader))
        {
            var messages = results.MessagesOf(node, reader);
            foreach (var result in onlyLatest ? messages.TakeLast(1) : messages)
            {
                sorted = sorted && (upstream.Count == 0 || string.CompareOrdinal(upstream[^1].Result.Order, result.Order) <= 0);
                upstream.Add((result, node));
            }
        }

        // Without loops they come in order already, and sorting them for each node of a long chain would cost more than all else.
        return sorted ? upstream : [.. upstream.OrderBy(pair => pair.Result.Order, StringComparer.Ordinal)];
    }

    private IReadOnlyList<(NodeResult Result, int Node)> Filter(List<(NodeResult Result, int Node)> all, IReadOnlyList<MessageFilter> filters)
    {
        var passed = new SortedDictionary<string, (NodeResult, int)>(StringComparer.Ordinal);
        foreach (var filter in filters)
        {
            var matching = all.FindAll(pair => run.Plan.Matches(filter, pair.Node) && (filter.Role is null || filter.Role == pair.Result.Role));
            foreach (var pair in Choose(matching, filter))
            {
                passed[pair.Result.Order] = pair;
            }
        }

        return [.. passed.Values];
    }

    /// <summary>Chooses the first and the last of the messages that match a filter.</summary>
    public static IEnumerable<T> Choose<T>(List<T> matching, MessageFilter filter) => (filter.First, filter.Last) switch
    {
        (null, null) => matching,
        ({ } first, null) => matching.Take(first),
        (null, { } last) => matching.TakeLast(last),
        ({ } first, { } last) => matching.Take(first).Concat(matching.Skip(Math.Max(first, matching.Count - last))),
    };

    /// <summary>
    /// Makes the messages for a call. What would make the call too large goes to the payload store, in lists that the next nodes use again as far as
    /// they see the same messages.
    /// </summary>
    private async Task<(IReadOnlyList<Payload> Packed, IReadOnlyList<ContextMessage> Messages)> ContextOfAsync(int node, AgentDefinition agent)
    {
        var found = MessagesFor(node, agent);
        if (SizeFrom(0) <= MaxInlineBytes)
        {
            return ([], MessagesFrom(0));
        }

        var packed = new List<PackedMessages>();
        var done = 0;
        foreach (var list in _packed)
        {
            if (IsNext(list.Orders))
            {
                packed.Add(list);
                done += list.Orders.Length;
            }
        }

        if (packed.Count > MaxPackedLists)
        {
            packed = [await JoinAsync(packed)];
        }

        IReadOnlyList<ContextMessage> rest = MessagesFrom(done);
        if (SizeFrom(done) > MaxInlineBytes)
        {
            var list = new PackedMessages(OrdersFrom(done), await run.Calls.PackAsync([.. rest.Select(ToPayload)], PackMode.Items));
            _packed.Add(list);
            packed.Add(list);
            rest = [];
        }

        return ([.. packed.Select(list => list.Messages)], rest);

        // Calls carry a reference to each list; several thousand bytes of them leave no room for what the prompt reads.
        async Task<PackedMessages> JoinAsync(List<PackedMessages> lists)
        {
            var joined = new PackedMessages(
                [.. lists.SelectMany(list => list.Orders)], await run.Calls.PackAsync([.. lists.Select(list => list.Messages)], PackMode.Concat));

            // Before its parts, which stay for nodes that see fewer of them.
            _packed.Insert(0, joined);
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

        static Payload ToPayload(ContextMessage message) => Payload.FromText(JsonSerializer.SerializeToUtf8Bytes(message, CoreJsonContext.Default.ContextMessage));
    }

    /// <summary>Messages in the payload store.</summary>
    /// <param name="Orders">Their places among all results.</param>
    /// <param name="Messages">The list.</param>
    private sealed record PackedMessages(string[] Orders, Payload Messages);
}
