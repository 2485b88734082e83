namespace Polyphony.Scenarios.Tests.Oracle;

/// <summary>
/// Runs a random workflow on one thread, node after node along the line and loop after loop by recursion, straight from the rules in docs/graph-semantics.md. It shares
/// nothing with the interpreter: no graph state, no worklist, no edges that are resolved.
/// </summary>
public sealed class OracleRun
{
    private readonly RandomWorkflow _workflow;
    private readonly string[] _items;
    private readonly bool _state;
    private readonly Result?[] _results;
    private readonly int[] _rounds;
    private int _sequence;
    private readonly Dictionary<RandomWorkflow.Loop, Result?[]> _past = [];
    private readonly List<RandomWorkflow.Loop> _active = [];

    /// <summary>Prepares a run. With <paramref name="state"/>, nodes write to an array, so that a round in which one has written is never like the one before.</summary>
    public OracleRun(RandomWorkflow workflow, string[] items, bool state = false)
    {
        _state = state;
        _workflow = workflow;
        _items = items;
        _results = new Result?[workflow.Nodes.Count];
        _rounds = new int[workflow.Nodes.Count];
    }

    /// <summary>Gets each activation that ended, with its answer; null if it failed or was skipped for it.</summary>
    public SortedDictionary<string, string?> Activations { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets what nodes write to the state, one after the other.</summary>
    public List<Written> Writes { get; } = [];

    public string StopReason { get; private set; } = "completed";

    public IReadOnlyList<string?> Outputs => [.. _results.Select(result => result is { Status: "completed" } ? result.Json : null)];

    public OracleRun Run()
    {
        try
        {
            RunRange(0, _workflow.Nodes.Count - 1, null);
        }
        catch (NodeFailed)
        {
            StopReason = "failed";
        }

        return this;
    }

    private void RunRange(int first, int last, RandomWorkflow.Loop? inside)
    {
        for (var at = first; at <= last;)
        {
            var loop = _workflow.Loops
                .Where(loop => loop.First == at && loop != inside && loop.Last <= last && !_active.Contains(loop))
                .OrderByDescending(loop => loop.Last)
                .FirstOrDefault();
            if (loop is null)
            {
                RunNode(at++);
            }
            else
            {
                RunLoop(loop);
                at = loop.Last + 1;
            }
        }
    }

    private void RunLoop(RandomWorkflow.Loop loop)
    {
        var body = Enumerable.Range(loop.First, loop.Last - loop.First + 1).ToList();
        var back = _workflow.Edges.Single(edge => edge.Max is not null && edge.From == loop.Last && edge.To == loop.First);

        // What the loop left behind in the last round of the loop around it.
        var around = _active.LastOrDefault();
        _past[loop] = around is null ? new Result?[_results.Length] : (Result?[])_past[around].Clone();
        _active.Add(loop);
        _roundStart[loop] = Writes.Count;
        string? previous = null;
        for (var taken = 0; ; taken++)
        {
            RunRange(loop.First, loop.Last, loop);
            var results = string.Join(';', body.Select(node => $"{_results[node]!.Status}={_results[node]!.Json}")) + (_state ? $";{Writes.Count}" : "");
            if (!IsTaken(back))
            {
                Ended(loop, null);
                break;
            }

            if (taken == back.Max)
            {
                Ended(loop, "max_rounds");
                break;
            }

            if (results == previous)
            {
                Ended(loop, "no_progress");
                break;
            }

            previous = results;
            _roundStart[loop] = Writes.Count;
            _past[loop] = (Result?[])_results.Clone();
            foreach (var node in body)
            {
                _results[node] = null;
            }
        }

        _active.Remove(loop);
    }

    private readonly Dictionary<RandomWorkflow.Loop, string?> _ends = [];

    private void Ended(RandomWorkflow.Loop loop, string? reason)
    {
        _ends[loop] = reason;

        // Loops are listed in the order of the graph, the outer before the inner.
        StopReason = _workflow.Loops
            .OrderBy(each => each.First).ThenByDescending(each => each.Last)
            .Select(each => _ends.GetValueOrDefault(each))
            .FirstOrDefault(each => each is not null) ?? "completed";
    }

    private void RunNode(int index)
    {
        var node = _workflow.Nodes[index];
        var into = _workflow.Edges.Where(edge => edge.To == index && edge.Max is null).ToList();
        if (into.Count > 0 && !into.Any(IsTaken))
        {
            _results[index] = Make(index, "skipped", null);
            return;
        }

        var round = ++_rounds[index];
        var suffix = round > 1 ? $"#{round}" : "";
        var reads = string.Join(' ', node.Reads.Select(read => View(read, index) switch
        {
            { Status: "completed" } result => result.Json,
            var other => other?.Status ?? "pending",
        }));
        switch (node.Kind)
        {
            case RandomWorkflow.Kind.Constant:
                _results[index] = Make(index, "completed", $$"""{"v":{{node.Constant}}}""");
                Activations[$"n{index}{suffix}"] = _results[index]!.Json;
                Write(index, [($"n{index}#{round}", _results[index]!.Json!)]);
                break;
            case RandomWorkflow.Kind.Agent:
                var answer = Ask(node, $"n{index}{suffix}", $"n{index} {reads}", index);
                _results[index] = answer is null ? Make(index, "skipped", null) : Make(index, "completed", answer);
                Write(index, answer is null ? [] : [($"n{index}#{round}", answer)]);
                break;
            default:
                var answers = _items.Select((item, i) => Ask(node, $"n{index}[{i}]{suffix}", $"n{index} {item} {reads}", index)).ToList();
                var completed = answers.Where(each => each is not null).ToList();
                if (completed.Count < node.Require)
                {
                    throw new NodeFailed();
                }

                _results[index] = Make(index, "completed", $"[{string.Join(',', completed)}]");
                Write(index, [.. answers.Select((json, i) => ($"n{index}#{round}[{i}]", json)).Where(pair => pair.json is not null).Select(pair => (pair.Item1, pair.json!))]);
                break;
        }
    }

    /// <summary>Asks the agent; null if it failed and was left out.</summary>
    private string? Ask(RandomWorkflow.Node node, string activation, string prompt, int index)
    {
        if (RandomAgent.Failures(_workflow.Seed, activation) == 9)
        {
            Activations[activation] = node.OnError == "value" ? """{"v":7}""" : null;
            return node.OnError == "value" ? """{"v":7}"""
                : node.OnError == "skip" || node.Kind == RandomWorkflow.Kind.ForEach ? null
                : throw new NodeFailed();
        }

        var context = Enumerable.Range(0, _workflow.Nodes.Count)
            .Where(other => _workflow.Nodes[other].Kind != RandomWorkflow.Kind.Constant && _workflow.IsUpstream(other, index))
            .Select(other => (Other: other, Result: View(other, index)?.Said))
            .Where(pair => pair.Result is not null)
            .OrderBy(pair => pair.Result!.Sequence)
            .Select(pair => $"n{pair.Other}:{pair.Result!.Json}")
            .ToList();
        var json = $$"""{"v":{{RandomAgent.Answer(_workflow.Seed, activation, prompt, context)}}}""";
        Activations[activation] = json;
        return json;
    }

    /// <summary>Makes a result. What a node said last stays with those of rounds that skip it.</summary>
    private Result Make(int node, string status, string? json)
    {
        var result = new Result(status, json, ++_sequence);
        result.Said = status == "completed" ? result : _said.GetValueOrDefault(node);
        _said[node] = result.Said;
        return result;
    }

    private readonly Dictionary<int, Result?> _said = [];
    private readonly Dictionary<RandomWorkflow.Loop, int> _roundStart = [];

    /// <summary>Writes what a node writes: what it is, and what it sees of what was written before.</summary>
    private void Write(int node, IEnumerable<(string Name, string Json)> answers)
    {
        var seen = string.Join(' ', Writes.Where((written, i) => Sees(node, written.Node, i)).Select(written => written.Log));
        Writes.AddRange([.. answers.Select(answer => new Written(node, int.Parse(answer.Json.Split(':')[1].TrimEnd('}')), answer.Name, seen))]);
    }

    private bool Sees(int reader, int writer, int place) =>
        _workflow.IsForward(writer, reader)
        || _workflow.LoopsAround(writer).Except(_workflow.LoopsAround(reader)).Any(left => _workflow.IsForward(left.First, reader))
        || (_workflow.LoopsAround(writer).Intersect(_workflow.LoopsAround(reader)).LastOrDefault() is { } loop && place < _roundStart[loop]);

    /// <summary>What an activation writes.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Value">Its number.</param>
    /// <param name="Name">Which activation it is.</param>
    /// <param name="Seen">What it saw of the log.</param>
    public sealed record Written(int Node, int Value, string Name, string Seen)
    {
        public string Log => $"{Name}={Value}";
    }

    private Result? View(int node, int reader)
    {
        // A loop has ended when anything behind it runs, wherever it is left.
        if (_workflow.IsForward(node, reader) || _workflow.LoopsAround(node).Except(_workflow.LoopsAround(reader)).Any(left => _workflow.IsForward(left.First, reader)))
        {
            return _results[node];
        }

        var loop = _workflow.LoopsAround(node).Intersect(_workflow.LoopsAround(reader)).LastOrDefault();
        return loop is null ? null : _past[loop][node];
    }

    private bool IsTaken(RandomWorkflow.Edge edge)
    {
        if (_results[edge.From] is not { Status: "completed" } result)
        {
            return false;
        }

        var value = _workflow.Nodes[edge.From].Kind == RandomWorkflow.Kind.ForEach
            ? result.Json!.Split("\"v\"").Length - 1
            : int.Parse(result.Json!.Split(':')[1].TrimEnd('}'));
        return edge.Modulus == 0 || value % edge.Modulus == edge.Rest;
    }

    /// <summary>A result; this interpreter runs one node after the other, so the sequence is the order of the graph.</summary>
    private sealed record Result(string Status, string? Json, int Sequence)
    {
        /// <summary>Gets or sets the node's last answer by then: this one, if it is one.</summary>
        public Result? Said { get; set; }
    }

    private sealed class NodeFailed : Exception;
}
