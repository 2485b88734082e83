using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Graph;

/// <summary>An edge by indexes; one with <c>max</c> is meant as a back edge.</summary>
internal readonly record struct ShapeEdge(int From, int To, bool HasMax);

/// <summary>What is wrong with the shape of a graph.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Edge">The edge that is to blame.</param>
/// <param name="Nodes">The cycle (its first node again at its end), the way around the header, or the loops' headers, as the kind says.</param>
internal sealed record ShapeProblem(ShapeProblemKind Kind, int Edge, IReadOnlyList<int> Nodes);

/// <summary>The kinds of <see cref="ShapeProblem"/>.</summary>
internal enum ShapeProblemKind
{
    /// <summary>Edges without <c>max</c> form a cycle.</summary>
    Cycle,

    /// <summary>An edge with <c>max</c> does not go back.</summary>
    ClosesNoCycle,

    /// <summary>The target of an edge with <c>max</c> does not dominate its source.</summary>
    NoNaturalLoop,

    /// <summary>Loops are nested too deep.</summary>
    TooDeep,
}

/// <summary>The shape of a valid graph. See <see cref="WorkflowGraph"/> for what the members mean.</summary>
internal sealed record GraphShape(int[] BackEdgeOf, List<GraphLoop> Loops, int[] Order, int[] InnermostLoop);

/// <summary>
/// Finds the loops and the order of a graph. Dominators are those of the forward edges, by the algorithm of Cooper, Harvey and Kennedy ("A Simple, Fast
/// Dominance Algorithm", 2001), which needs one pass on an acyclic graph; back edges don't change them. All walks are iterative: files come from strangers.
/// </summary>
internal sealed class GraphAnalysis
{
    private const int MostPaths = 50;

    private readonly int _count;
    private readonly ShapeEdge[] _edges;
    private readonly List<int>[] _out;
    private readonly List<int>[] _in;
    private readonly List<ShapeProblem> _problems = [];

    private GraphAnalysis(int count, ShapeEdge[] edges)
    {
        _count = count;
        _edges = edges;
        _out = Lists(count);
        _in = Lists(count);
        for (var i = 0; i < edges.Length; i++)
        {
            _out[edges[i].From].Add(i);
            _in[edges[i].To].Add(i);
        }
    }

    /// <summary>Analyses a graph.</summary>
    /// <param name="count">How many nodes.</param>
    /// <param name="edges">The edges.</param>
    /// <returns>The shape, or what is wrong.</returns>
    public static (GraphShape? Shape, IReadOnlyList<ShapeProblem> Problems) Analyse(int count, ShapeEdge[] edges)
    {
        var analysis = new GraphAnalysis(count, edges);
        var shape = analysis.Run();
        return (analysis._problems.Count == 0 ? shape : null, analysis._problems);
    }

    private GraphShape? Run()
    {
        FindCycles();
        if (_problems.Count > 0)
        {
            return null;
        }

        var position = TopologicalPositions();
        CheckBackEdges(ImmediateDominators(position), position);
        if (_problems.Count > 0)
        {
            return null;
        }

        var loops = FindLoops(position, out var innermost, out var backEdgeOf);
        return loops is null ? null : GraphOrder.Complete(_count, _edges, loops, innermost, backEdgeOf);
    }

    private void FindCycles()
    {
        var component = StrongComponents(forwardOnly: true);
        var size = new int[_count];
        foreach (var one in component)
        {
            size[one]++;
        }

        var reported = new HashSet<int>();
        for (var i = 0; i < _edges.Length; i++)
        {
            var edge = _edges[i];
            if (!edge.HasMax && edge.From == edge.To)
            {
                _problems.Add(new ShapeProblem(ShapeProblemKind.Cycle, i, [edge.From, edge.To]));
            }
        }

        for (var node = 0; node < _count; node++)
        {
            if (size[component[node]] < 2 || !reported.Add(component[node]))
            {
                continue;
            }

            // The shortest way from the first node of the component (in the order of the file) back to it.
            var cycle = ShortestPath([node], node, edge => !edge.HasMax && edge.From != edge.To && component[edge.From] == component[edge.To], needsStep: true);
            _problems.Add(new ShapeProblem(ShapeProblemKind.Cycle, FindEdge(cycle[^2], cycle[^1]), cycle));
        }
    }

    private int FindEdge(int from, int to) => _out[from].Find(edge => _edges[edge].To == to && !_edges[edge].HasMax);

    private int[] TopologicalPositions()
    {
        var position = new int[_count];
        var waiting = new int[_count];
        foreach (var edge in _edges)
        {
            waiting[edge.To] += edge.HasMax ? 0 : 1;
        }

        var ready = new PriorityQueue<int, int>();
        for (var node = 0; node < _count; node++)
        {
            if (waiting[node] == 0)
            {
                ready.Enqueue(node, node);
            }
        }

        for (var next = 0; ready.TryDequeue(out var node, out _); next++)
        {
            position[node] = next;
            foreach (var edge in _out[node])
            {
                if (!_edges[edge].HasMax && --waiting[_edges[edge].To] == 0)
                {
                    ready.Enqueue(_edges[edge].To, _edges[edge].To);
                }
            }
        }

        return position;
    }

    // -1 stands for the entry before all start nodes.
    private int[] ImmediateDominators(int[] position)
    {
        var byPosition = new int[_count];
        for (var node = 0; node < _count; node++)
        {
            byPosition[position[node]] = node;
        }

        var dominator = new int[_count];
        foreach (var node in byPosition)
        {
            var common = -2;
            foreach (var edge in _in[node])
            {
                if (_edges[edge].HasMax)
                {
                    continue;
                }

                var other = _edges[edge].From;
                if (common == -2)
                {
                    common = other;
                }

                while (common != other && common != -1)
                {
                    if (other == -1)
                    {
                        common = -1;
                    }
                    else if (position[common] > position[other])
                    {
                        common = dominator[common];
                    }
                    else
                    {
                        other = dominator[other];
                    }
                }
            }

            dominator[node] = common == -2 ? -1 : common;
        }

        return dominator;
    }

    private void CheckBackEdges(int[] dominator, int[] position)
    {
        int[]? component = null;
        for (var i = 0; i < _edges.Length; i++)
        {
            var (source, header, hasMax) = _edges[i];
            if (!hasMax)
            {
                continue;
            }

            var above = source;
            while (above != -1 && position[above] > position[header])
            {
                above = dominator[above];
            }

            if (above == header)
            {
                continue;
            }

            component ??= StrongComponents(forwardOnly: false);
            if (component[source] != component[header])
            {
                _problems.Add(new ShapeProblem(ShapeProblemKind.ClosesNoCycle, i, []));
                continue;
            }

            var starts = Enumerable.Range(0, _count).Where(node => node != header && _in[node].TrueForAll(edge => _edges[edge].HasMax));
            var around = _problems.Count < MostPaths ? ShortestPath([.. starts], source, edge => !edge.HasMax && edge.To != header, needsStep: false) : [];
            _problems.Add(new ShapeProblem(ShapeProblemKind.NoNaturalLoop, i, around));
        }
    }

    private List<GraphLoop>? FindLoops(int[] position, out int[] innermost, out int[] backEdgeOf)
    {
        innermost = new int[_count];
        backEdgeOf = new int[_edges.Length];
        Array.Fill(innermost, -1);
        Array.Fill(backEdgeOf, -1);
        var headers = new SortedDictionary<int, List<int>>();
        for (var i = 0; i < _edges.Length; i++)
        {
            if (!_edges[i].HasMax)
            {
                continue;
            }

            if (!headers.TryGetValue(position[_edges[i].To], out var list))
            {
                headers[position[_edges[i].To]] = list = [];
            }

            list.Add(i);
        }

        // An outer loop's header comes before an inner one's.
        var loops = new List<GraphLoop>();
        var depth = new List<int>();
        foreach (var backEdges in headers.Values)
        {
            var header = _edges[backEdges[0]].To;
            var parent = innermost[header];
            depth.Add(parent < 0 ? 1 : depth[parent] + 1);
            if (depth[^1] > SourceLimits.MaxLoopDepth)
            {
                _problems.Add(new ShapeProblem(ShapeProblemKind.TooDeep, backEdges[0], [header]));
                return null;
            }

            foreach (var edge in backEdges)
            {
                backEdgeOf[edge] = loops.Count;
            }

            var body = Body(header, backEdges);
            foreach (var node in body)
            {
                innermost[node] = loops.Count;
            }

            loops.Add(new GraphLoop(header, [.. body], [.. backEdges], parent));
        }

        return loops;
    }

    private HashSet<int> Body(int header, List<int> backEdges)
    {
        var body = new HashSet<int> { header };
        var open = new Stack<int>(backEdges.Select(edge => _edges[edge].From));
        while (open.TryPop(out var node))
        {
            if (!body.Add(node))
            {
                continue;
            }

            foreach (var edge in _in[node])
            {
                open.Push(_edges[edge].From);
            }
        }

        return body;
    }

    private List<int> ShortestPath(IReadOnlyList<int> from, int to, Func<ShapeEdge, bool> use, bool needsStep)
    {
        if (!needsStep && from.Contains(to))
        {
            return [to];
        }

        var before = Search(from, to, use, needsStep);
        return before.ContainsKey(to) ? PathBack(before, to) : [];
    }

    // Breadth first: each node that is reached, with the one before it; -1 before a start that may itself be the end.
    private Dictionary<int, int> Search(IReadOnlyList<int> from, int to, Func<ShapeEdge, bool> use, bool needsStep)
    {
        var before = new Dictionary<int, int>();
        var queue = new Queue<int>(from);
        if (!needsStep)
        {
            foreach (var start in from)
            {
                before[start] = -1;
            }
        }

        while (queue.TryDequeue(out var node) && !(needsStep && before.ContainsKey(to)))
        {
            foreach (var edge in _out[node])
            {
                if (use(_edges[edge]) && before.TryAdd(_edges[edge].To, node))
                {
                    queue.Enqueue(_edges[edge].To);
                }
            }
        }

        return before;
    }

    private static List<int> PathBack(Dictionary<int, int> before, int to)
    {
        var path = new List<int>();
        var current = to;
        do
        {
            path.Add(current);
            current = before[current];
        }
        while (current != -1 && current != to && before.ContainsKey(current));

        if (current != -1)
        {
            path.Add(current);
        }

        path.Reverse();
        return path;
    }

    // Tarjan's algorithm with its recursion on a stack of our own.
    private int[] StrongComponents(bool forwardOnly)
    {
        var component = new int[_count];
        var number = new int[_count];
        var low = new int[_count];
        Array.Fill(component, -1);
        var (counter, components) = (0, 0);
        var open = new Stack<int>();
        var work = new Stack<(int Node, int Edge)>();
        for (var root = 0; root < _count; root++)
        {
            if (number[root] != 0)
            {
                continue;
            }

            work.Push((root, 0));
            while (work.TryPop(out var frame))
            {
                var (node, next) = frame;
                if (next == 0)
                {
                    number[node] = low[node] = ++counter;
                    open.Push(node);
                }
                else
                {
                    low[node] = Math.Min(low[node], low[_edges[_out[node][next - 1]].To]);
                }

                var descended = false;
                for (; next < _out[node].Count; next++)
                {
                    var edge = _edges[_out[node][next]];
                    if (forwardOnly && edge.HasMax)
                    {
                        continue;
                    }

                    if (number[edge.To] == 0)
                    {
                        work.Push((node, next + 1));
                        work.Push((edge.To, 0));
                        descended = true;
                        break;
                    }

                    if (component[edge.To] < 0)
                    {
                        low[node] = Math.Min(low[node], number[edge.To]);
                    }
                }

                if (descended || low[node] != number[node])
                {
                    continue;
                }

                int member;
                do
                {
                    member = open.Pop();
                    component[member] = components;
                }
                while (member != node);

                components++;
            }
        }

        return component;
    }

    private static List<int>[] Lists(int count)
    {
        var lists = new List<int>[count];
        for (var i = 0; i < count; i++)
        {
            lists[i] = [];
        }

        return lists;
    }
}
