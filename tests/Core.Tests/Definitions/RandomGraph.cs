using Polyphony.Core.Definitions;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>A small random graph, and what can be said of it by brute force from the definitions: the oracle for the real analysis. Nothing is shared with it.</summary>
internal sealed record RandomGraph(int Count, IReadOnlyList<(int From, int To, bool Back)> Edges)
{
    /// <summary>Makes a graph of any shape; most are not valid.</summary>
    public static RandomGraph Any(int seed)
    {
        var random = new Random(seed);
        var count = random.Next(1, 9);
        var edges = new HashSet<(int, int, bool)>();
        for (var i = random.Next(0, 2 * count); i > 0; i--)
        {
            edges.Add((random.Next(count), random.Next(count), random.Next(4) == 0));
        }

        return new RandomGraph(count, [.. edges.OrderBy(_ => random.Next())]);
    }

    /// <summary>Makes a valid graph with many loops: forward edges along a random order, then back edges to dominators.</summary>
    public static RandomGraph Valid(int seed)
    {
        var random = new Random(seed);
        var count = random.Next(2, 13);
        var order = Enumerable.Range(0, count).ToArray();
        random.Shuffle(order);
        var edges = new HashSet<(int From, int To, bool Back)>();
        for (var i = 1; i < count; i++)
        {
            if (random.Next(8) > 0)
            {
                edges.Add((order[random.Next(Math.Max(0, i - 3), i)], order[i], false));
            }
        }

        for (var i = random.Next(0, count); i > 0; i--)
        {
            var (a, b) = (random.Next(count), random.Next(count));
            if (a != b)
            {
                edges.Add((order[Math.Min(a, b)], order[Math.Max(a, b)], false));
            }
        }

        var forward = new RandomGraph(count, [.. edges]);
        for (var i = random.Next(0, count); i > 0; i--)
        {
            var source = random.Next(count);
            var dominators = Enumerable.Range(0, count).Where(node => forward.Dominates(node, source)).ToArray();
            edges.Add((source, dominators[random.Next(dominators.Length)], true));
        }

        return new RandomGraph(count, [.. edges.OrderBy(_ => random.Next())]);
    }

    /// <summary>Parses a workflow of this shape: nodes n0, n1, … that do nothing.</summary>
    public WorkflowParseResult Parse()
    {
        var builder = new WorkflowBuilder("random").Edges();
        for (var node = 0; node < Count; node++)
        {
            builder.TransformNode($"n{node}", node);
        }

        foreach (var (from, to, back) in Edges)
        {
            builder.Edge($"n{from}", $"n{to}", back ? "round < 2" : null, back ? 2 : null);
        }

        return builder.Parse();
    }

    public bool HasForwardCycle() => Enumerable.Range(0, Count).Any(node => Reaches(node, node, -1, forwardOnly: true));

    /// <summary>By definition: every way from a start to the node passes the other. A way that is not there at all does too.</summary>
    public bool Dominates(int node, int other) => node == other || !Starts().Any(start => start != node && (start == other || Reaches(start, other, node, forwardOnly: true)));

    public IEnumerable<int> Starts() => Enumerable.Range(0, Count).Where(node => !Edges.Any(edge => edge.To == node && !edge.Back));

    /// <summary>By definition: the header, and all that reach the source of a back edge to it without passing it.</summary>
    public HashSet<int> LoopBody(int header)
    {
        var sources = Edges.Where(edge => edge.Back && edge.To == header).Select(edge => edge.From).ToHashSet();
        return [header, .. Enumerable.Range(0, Count).Where(node => node != header && sources.Any(source => source != header && (node == source || Reaches(node, source, header, forwardOnly: false))))];
    }

    /// <summary>Whether a way of at least one edge leads from one node to another without passing a third.</summary>
    public bool Reaches(int from, int to, int avoiding, bool forwardOnly)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>([from]);
        while (open.TryPop(out var node))
        {
            foreach (var edge in Edges)
            {
                if (edge.From != node || (forwardOnly && edge.Back) || edge.To == avoiding)
                {
                    continue;
                }

                if (edge.To == to)
                {
                    return true;
                }

                if (seen.Add(edge.To))
                {
                    open.Push(edge.To);
                }
            }
        }

        return false;
    }
}
