using System.Runtime.InteropServices;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Graph;

/// <content>Working out what follows from a change.</content>
internal sealed partial class GraphState
{
    /// <summary>
    /// One change with all that follows from it. It works on a copy and in two steps, until nothing changes any more: nodes
    /// whose incoming edges have changed are made ready or skipped; then loops whose bodies have ended, inner ones first, begin another round or end.
    /// </summary>
    private sealed class Transition(GraphState from)
    {
        private readonly WorkflowGraph _graph = from.Graph;
        private readonly LoopState[] _loops = [.. from.Loops];
        private readonly Queue<int> _touched = [];
        private readonly List<int> _changed = [];
        private ChunkedArray<NodeState>.Changes _nodes = new(from.Nodes);
        private ChunkedArray<EdgePhase>.Changes _edges = new(from.Edges);
        private Counts _counts = from._counts;

        public GraphState Finish()
        {
            do
            {
                while (_touched.TryDequeue(out var node))
                {
                    Settle(node);
                }
            }
            while (EndRounds());

            return new GraphState(
                _graph,
                _nodes.Finish(),
                _edges.Finish(),
                ImmutableCollectionsMarshal.AsImmutableArray(_loops),
                _counts,
                _changed.Count > 1 ? [.. _changed.Distinct()] : [.. _changed]);
        }

        public void MakeReady(int node) => Set(node, _nodes[node] with { Phase = NodePhase.Ready, Round = _nodes[node].Round + 1 });

        public void End(int node, NodePhase phase, IReadOnlyList<bool>? decisions, ulong digest)
        {
            Set(node, _nodes[node] with { Phase = phase, Digest = digest });
            var outgoing = _graph.Outgoing[node];
            for (var i = 0; i < outgoing.Length; i++)
            {
                Resolve(outgoing[i], decisions is not null && decisions[i]);
            }
        }

        private void Set(int node, NodeState state)
        {
            _counts = _counts.Add(_nodes[node].Phase, -1).Add(state.Phase, 1);
            _nodes[node] = state;
            _changed.Add(node);
        }

        private void Resolve(int edge, bool taken)
        {
            if (_graph.Edges[edge].IsBackEdge || ExitLoop(edge) >= 0)
            {
                _edges[edge] = taken ? EdgePhase.HeldTaken : EdgePhase.HeldSkipped;
            }
            else
            {
                ResolveForGood(edge, taken);
            }
        }

        private void ResolveForGood(int edge, bool taken)
        {
            _edges[edge] = taken ? EdgePhase.Taken : EdgePhase.Skipped;
            _touched.Enqueue(_graph.Edges[edge].To);
        }

        /// <summary>Makes a pending node ready or skips it, if its incoming edges say so by now.</summary>
        private void Settle(int node)
        {
            if (_nodes[node].Phase != NodePhase.Pending)
            {
                return;
            }

            bool anyTaken = false, anyOpen = false;
            foreach (var edge in _graph.Incoming[node])
            {
                if (!_graph.Edges[edge].IsBackEdge)
                {
                    anyTaken |= _edges[edge] == EdgePhase.Taken;
                    anyOpen |= _edges[edge] is not (EdgePhase.Taken or EdgePhase.Skipped);
                }
            }

            if (anyTaken && (!anyOpen || _graph.Nodes[node].Join == JoinMode.Any))
            {
                MakeReady(node);
            }
            else if (!anyOpen)
            {
                End(node, NodePhase.Skipped, decisions: null, digest: 0);
            }
        }

        private bool EndRounds()
        {
            // Loops are listed outer before inner, so inner ones end first: where all nodes of an outer body have ended, an open loop in it would have been found before.
            for (var loop = _loops.Length - 1; loop >= 0; loop--)
            {
                if (_loops[loop].Phase == LoopPhase.Open && _graph.Loops[loop].Body.All(node => _nodes[node].HasEnded))
                {

                    EndRound(loop);
                    return true;
                }
            }

            return false;
        }

        private void EndRound(int index)
        {
            var loop = _graph.Loops[index];
            var state = _loops[index];
            var taken = state.Taken.ToBuilder();
            bool wanted = false, allowed = false;
            for (var i = 0; i < loop.BackEdges.Length; i++)
            {
                if (_edges[loop.BackEdges[i]] == EdgePhase.HeldTaken)
                {
                    wanted = true;
                    if (taken[i] < (_graph.Edges[loop.BackEdges[i]].Definition.Max ?? 0))
                    {
                        allowed = true;
                        taken[i]++;
                    }
                }
            }

            var digest = RoundDigest(loop);
            if (allowed && state.Digest != digest)
            {
                _loops[index] = new LoopState(LoopPhase.Open, state.Round + 1, taken.MoveToImmutable(), digest);
                BeginRound(index, loop);
                return;
            }

            _loops[index] = state with
            {
                Phase = allowed ? LoopPhase.NoProgress : wanted ? LoopPhase.CapReached : LoopPhase.Ended,
            };
            for (var edge = 0; edge < _edges.Count; edge++)
            {
                if (ExitLoop(edge) == index)
                {
                    ResolveForGood(edge, _edges[edge] == EdgePhase.HeldTaken);
                }
            }
        }

        private void BeginRound(int index, GraphLoop loop)
        {
            foreach (var node in loop.Body)
            {
                Set(node, _nodes[node] with { Phase = NodePhase.Pending });
                foreach (var edge in _graph.Outgoing[node])
                {
                    _edges[edge] = EdgePhase.Unresolved;
                }
            }

            for (var inner = index + 1; inner < _loops.Length; inner++)
            {
                if (IsInside(inner, index))
                {
                    _loops[inner] = NewLoop(_graph.Loops[inner]);
                }
            }

            MakeReady(loop.Header);
        }

        private ulong RoundDigest(GraphLoop loop)
        {
            // FNV-1a over the nodes' phases and digests (http://www.isthe.com/chongo/tech/comp/fnv/).
            var hash = 14695981039346656037UL;
            foreach (var node in loop.Body)
            {
                hash = (hash ^ (ulong)_nodes[node].Phase) * 1099511628211UL;
                hash = (hash ^ _nodes[node].Digest) * 1099511628211UL;
            }

            return hash;
        }

        /// <summary>Finds the outermost loop that a forward edge leaves, or -1.</summary>
        private int ExitLoop(int edge)
        {
            var definition = _graph.Edges[edge];
            if (definition.IsBackEdge)
            {
                return -1;
            }

            var exit = -1;
            for (var loop = _graph.InnermostLoop[definition.From]; loop >= 0 && !_graph.IsInLoop(definition.To, loop); loop = _graph.Loops[loop].Parent)
            {
                exit = loop;
            }

            return exit;
        }

        private bool IsInside(int inner, int outer)
        {
            for (var loop = inner; loop >= 0; loop = _graph.Loops[loop].Parent)
            {
                if (loop == outer)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
