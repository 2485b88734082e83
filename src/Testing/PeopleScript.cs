using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Engine.Simulation;

namespace Polyphony.Testing;

/// <summary>The answers of people in a test, and the events that arrive. A question without an answer here waits until it times out. To be set before a run begins.</summary>
public sealed class PeopleScript
{
    private readonly Dictionary<string, Func<string, object?>> _answers = new(StringComparer.Ordinal);

    /// <summary>Answers the questions of a node in every round and for every item, or sends the event that it waits for.</summary>
    /// <param name="node">The node, or the name of a question of a workflow in C#.</param>
    /// <param name="answer">The answer, written with the web defaults of System.Text.Json.</param>
    /// <returns>This script.</returns>
    public PeopleScript Answer(string node, object? answer) => Answer(node, _ => answer);

    /// <summary>Answers the questions of a node depending on the question.</summary>
    /// <param name="node">The node, or the name of a question of a workflow in C#.</param>
    /// <param name="answer">Returns the answer; the argument is the question as shown in the status.</param>
    /// <returns>This script.</returns>
    public PeopleScript Answer(string node, Func<string, object?> answer)
    {
        _answers[node] = answer;
        return this;
    }

    /// <summary>Answers what is asked until the run has ended. Time passes only while nothing is asked that has an answer here.</summary>
    internal async Task AnswerAllAsync(WorkflowClient client, SkippingClock clock, string id, IDisposable held)
    {
        var answered = new HashSet<string>(StringComparer.Ordinal);
        if (_answers.Count == 0)
        {
            held.Dispose();
            await client.Durable.WaitForCompletionAsync(id);
            return;
        }

        for (var version = 0L; ;)
        {
            version = await WaitAsync(client, clock, id, version);
            var status = (await client.GetAsync(id))!;
            if (status.IsFinished)
            {
                return;
            }

            foreach (var wait in status.CustomStatus?.WaitingFor ?? [])
            {
                if (wait.EventName is { } name && _answers.TryGetValue(NodeOf(wait.Activation), out var answer) && answered.Add(wait.Activation))
                {
                    await client.RaiseEventAsync(id, name, WorkflowTestHost.ToJson(answer(wait.Prompt ?? "") ?? JsonElement.Parse("null"u8)));
                }
            }
        }
    }

    /// <summary>Waits for a change, and lets time pass by one timer whenever there is nothing else to be done.</summary>
    private static async Task<long> WaitAsync(WorkflowClient client, SkippingClock clock, string id, long version)
    {
        var change = client.Durable.WaitForChangeAsync(id, version);
        while (!change.IsCompleted)
        {
            // Looked at in this order: an engine that was idle has reported what it has done.
            if (!clock.IsIdle || (!change.IsCompleted && !clock.TrySkip(holds: 1)))
            {
                // What is under way ends by itself.
                await Task.WhenAny(change, Task.Delay(TimeSpan.FromMilliseconds(1)));
            }
        }

        return (await change)!.Version;
    }

    private static string NodeOf(string activation) => activation.Split('[', '#', '.')[0];
}
