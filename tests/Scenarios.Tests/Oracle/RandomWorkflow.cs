using System.Text.Json.Nodes;

namespace Polyphony.Scenarios.Tests.Oracle;

/// <summary>
/// A random valid workflow in the tests' own words: nodes on a line, loops as nested intervals of it, edges that go forward and enter loops by their first node
/// only. Written for the tests; knows nothing of the product's graph.
/// </summary>
public sealed class RandomWorkflow
{
    private readonly Random _random;

    public RandomWorkflow(int seed)
    {
        Seed = seed;
        _random = new Random(seed);
        var count = _random.Next(2, 14);
        MakeLoops(0, count - 1, -1, depth: 0);
        for (var i = 0; i < count; i++)
        {
            Nodes.Add(MakeNode(i));
        }

        MakeEdges(count);
        foreach (var node in Nodes)
        {
            // Reads a few nodes from which it can be reached, itself through a loop included.
            var upstream = Enumerable.Range(0, count).Where(other => IsUpstream(other, node.Index)).ToList();
            node.Reads.AddRange(upstream.Where(_ => _random.Next(4) == 0));
        }
    }

    public enum Kind
    {
        Agent,
        Constant,
        ForEach,
    }

    public int Seed { get; }

    public List<Node> Nodes { get; } = [];

    public List<Edge> Edges { get; } = [];

    public List<Loop> Loops { get; } = [];

    /// <summary>Gets the loops around a node, from the outside in.</summary>
    public IEnumerable<Loop> LoopsAround(int node) => Loops.Where(loop => loop.First <= node && node <= loop.Last).OrderBy(loop => loop.Last - loop.First).Reverse();

    public bool IsForward(int from, int to)
    {
        // A depth-first search over forward edges.
        var seen = new HashSet<int>();
        var open = new Stack<int>([from]);
        while (open.TryPop(out var next))
        {
            foreach (var edge in Edges.Where(edge => edge.From == next && edge.Max is null && seen.Add(edge.To)))
            {
                open.Push(edge.To);
            }
        }

        return seen.Contains(to);
    }

    public bool IsUpstream(int from, int to) =>
        IsForward(from, to) || LoopsAround(from).Intersect(LoopsAround(to)).Any() || LoopsAround(from).Any(loop => (from == loop.Last || IsForward(from, loop.Last)) && IsForward(loop.First, to));

    /// <summary>Writes the workflow as a file. With <paramref name="state"/>, every node writes what it is, and what it sees of what the others have written.</summary>
    public string ToJson(bool state = false)
    {
        var agents = new JsonObject
        {
            ["worker"] = new JsonObject
            {
                ["model"] = "m",
                ["output"] = JsonNode.Parse("""{"type":"object","required":["v"],"properties":{"v":{"type":"integer"}}}"""),
                ["retry"] = JsonNode.Parse("""{"maxAttempts":3,"firstDelay":"1s"}"""),
            },
        };
        var nodes = new JsonObject();
        foreach (var node in Nodes)
        {
            var reads = string.Join(' ', node.Reads.Select(read => $"{{{{ nodes.n{read}.status == 'completed' ? toJson(nodes.n{read}.output) : nodes.n{read}.status }}}}"));
            var json = new JsonObject();
            if (node.Kind == Kind.Constant)
            {
                json["transform"] = new JsonObject { ["v"] = node.Constant };
            }
            else
            {
                json["agent"] = "worker";
                json["prompt"] = $"n{node.Index} {reads}";
                if (node.OnError is not null)
                {
                    json["onError"] = node.OnError == "skip" ? "skip" : JsonNode.Parse("""{"value":{"v":7}}""");
                }

                if (node.Kind == Kind.ForEach)
                {
                    json["forEach"] = "{{ input.items }}";
                    json["prompt"] = $"n{node.Index} {{{{ item }}}} {reads}";
                    json["require"] = node.Require;
                }
            }

            if (state)
            {
                var name = node.Kind == Kind.ForEach ? $"n{node.Index}#{{{{ round }}}}[{{{{ index }}}}]" : $"n{node.Index}#{{{{ round }}}}";
                json["write"] = new JsonObject
                {
                    ["log"] = $"{name}={{{{ output.v }}}}",
                    ["whole"] = "{{ output.v }}",
                    ["share"] = "{{ double(output.v) / 10.0 }}",
                    ["largest"] = "{{ output.v }}",
                    ["last"] = $$$$"""{{ {'n{{{{node.Index % 3}}}}': output.v} }}""",
                    ["seen"] = "{{ ['" + name.Replace("{{ round }}", "' + string(round) + '").Replace("{{ index }}", "' + string(index) + '") + ": ' + state.log.join(' ')] }}",
                };
            }

            nodes[$"n{node.Index}"] = json;
        }

        var edges = new JsonArray();
        foreach (var edge in Edges)
        {
            var json = new JsonObject { ["from"] = $"n{edge.From}", ["to"] = $"n{edge.To}" };
            if (edge.Modulus > 0)
            {
                json["when"] = Nodes[edge.From].Kind == Kind.ForEach
                    ? $"size(nodes.n{edge.From}.output) % {edge.Modulus} == {edge.Rest}"
                    : $"nodes.n{edge.From}.output.v % {edge.Modulus} == {edge.Rest}";
            }

            if (edge.Max is { } max)
            {
                json["max"] = max;
            }

            edges.Add(json);
        }

        var output = new JsonObject();
        foreach (var node in Nodes)
        {
            output[$"n{node.Index}"] = $"{{{{ nodes.n{node.Index}.output }}}}";
        }

        var file = new JsonObject
        {
            ["name"] = $"random-{Seed}",
            ["input"] = new JsonObject(),
            ["limits"] = new JsonObject { ["maxConcurrency"] = _random.Next(1, 6) },
            ["models"] = JsonNode.Parse("""{"m":{"provider":"offline"}}"""),
            ["agents"] = agents,
            ["nodes"] = nodes,
            ["edges"] = edges,
            ["output"] = output,
        };
        if (state)
        {
            file["state"] = JsonNode.Parse("""{"log":"append","whole":"sum","share":{"reducer":"sum","initial":0.5},"largest":"max","last":"merge","seen":"append"}""");
            output["log"] = "{{ state.log }}";
        }

        return file.ToJsonString();
    }

    private Node MakeNode(int index)
    {
        var kind = _random.Next(10) switch { < 6 => Kind.Agent, < 8 => Kind.Constant, _ => Kind.ForEach };
        return new Node(index, kind)
        {
            Constant = _random.Next(100),
            OnError = _random.Next(3) switch { 0 => "skip", 1 => "value", _ => null },
            Require = _random.Next(1, 4),
        };
    }

    private void MakeLoops(int first, int last, int parentFirst, int depth)
    {
        var at = first;
        while (at <= last && depth < 3)
        {
            var length = _random.Next(1, Math.Max(2, last - at + 2));
            var end = Math.Min(last, at + length - 1);

            // A loop is strictly smaller than the one around it and begins later, so that headers differ.
            if (_random.Next(3) == 0 && at != parentFirst && (depth > 0 || end < last || _random.Next(2) == 0) && at + length - 1 <= last)
            {
                Loops.Add(new Loop(at, end));
                MakeLoops(at, end, at, depth + 1);
            }

            at = end + 1;
        }
    }

    private void MakeEdges(int count)
    {
        for (var to = 1; to < count; to++)
        {
            // One edge in, from where the loops allow it: whatever loops the target is in and the source is not must begin at the target.
            var sources = Enumerable.Range(0, to).Where(from => MayLead(from, to)).ToList();
            var inLoop = LoopsAround(to).Any();
            if (sources.Count > 0 && (inLoop || _random.Next(8) > 0))
            {
                AddForward(sources[_random.Next(sources.Count)], to);
            }

            foreach (var from in sources.Where(_ => _random.Next(5) == 0))
            {
                AddForward(from, to);
            }
        }

        // Every node of a loop leads on to its last node, from where the loop is closed: then the interval is the loop's body.
        foreach (var loop in Loops)
        {
            for (var from = loop.Last - 1; from >= loop.First; from--)
            {
                if (!IsForwardInside(from, loop))
                {
                    var targets = Enumerable.Range(from + 1, loop.Last - from).Where(to => MayLead(from, to) && (to == loop.Last || IsForwardInside(to, loop))).ToList();
                    AddForward(from, targets[_random.Next(targets.Count)]);
                }
            }

            Edges.Add(new Edge(loop.Last, loop.First, _random.Next(2, 4), _random.Next(2), _random.Next(1, 4)));
        }
    }

    private bool IsForwardInside(int from, Loop loop)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>([from]);
        while (open.TryPop(out var next))
        {
            foreach (var edge in Edges.Where(edge => edge.From == next && edge.Max is null && edge.To <= loop.Last && seen.Add(edge.To)))
            {
                open.Push(edge.To);
            }
        }

        return seen.Contains(loop.Last);
    }

    private bool MayLead(int from, int to) => from < to && LoopsAround(to).Except(LoopsAround(from)).All(loop => loop.First == to);

    private void AddForward(int from, int to)
    {
        if (!Edges.Any(edge => edge.From == from && edge.To == to))
        {
            var conditional = _random.Next(3) == 0;
            var modulus = conditional ? _random.Next(2, 4) : 0;
            Edges.Add(new Edge(from, to, modulus, conditional ? _random.Next(modulus) : 0, null));
        }
    }

    public sealed class Node(int index, Kind kind)
    {
        public int Index => index;

        public Kind Kind => kind;

        public int Constant { get; init; }

        public string? OnError { get; init; }

        public int Require { get; init; }

        public List<int> Reads { get; } = [];
    }

    public sealed record Edge(int From, int To, int Modulus, int Rest, int? Max);

    public sealed record Loop(int First, int Last);
}
