using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Client;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Testing;

/// <summary>A run that has ended. Its assertions throw a <see cref="RunAssertionException"/>, whose message states what was expected and how the run went, and return the run so that they can be chained.</summary>
public sealed class WorkflowRunResult
{
    internal WorkflowRunResult(WorkflowStatus status, IReadOnlyList<ModelCall> calls) => (Status, Calls) = (status, calls);

    /// <summary>Gets the status, with input, output and outcomes.</summary>
    public WorkflowStatus Status { get; }

    /// <summary>Gets the model calls of the run, in order.</summary>
    public IReadOnlyList<ModelCall> Calls { get; }

    /// <summary>Gets why it ended.</summary>
    public StopReason StopReason => Status.StopReason!.Value;

    /// <summary>Gets the output; JSON null if there is none.</summary>
    public JsonElement Output => Status.Output ?? JsonElement.Parse("null"u8);

    /// <summary>Gets the outcome of every activation, in the order of the graph.</summary>
    public IReadOnlyList<OutcomeStatus> Outcomes => Status.Outcomes ?? [];

    /// <summary>Gets the duration by the test's clock.</summary>
    public TimeSpan Duration => Status.CompletedTime!.Value - Status.CreatedTime;

    /// <summary>Reads the output as a type.</summary>
    /// <typeparam name="T">The type, read with the web defaults of System.Text.Json.</typeparam>
    /// <returns>The output.</returns>
    public T OutputAs<T>() => Output.Deserialize<T>(JsonSerializerOptions.Web)!;

    /// <summary>Asserts that it completed.</summary>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">It did not.</exception>
    public WorkflowRunResult AssertCompleted() => AssertEnded(StopReason.Completed);

    /// <summary>Asserts why it ended.</summary>
    /// <param name="reason">The reason.</param>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">It ended for another reason.</exception>
    public WorkflowRunResult AssertEnded(StopReason reason) => Assert(StopReason == reason, $"The run must end with {Name(reason)}; it ended with {Name(StopReason)}.");

    /// <summary>Asserts that it failed with a code.</summary>
    /// <param name="code">The code, such as <c>agent_failed</c> or one of <see cref="ErrorCodes"/>.</param>
    /// <param name="activation">The activation that failed; <see langword="null"/> for any.</param>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">It did not.</exception>
    public WorkflowRunResult AssertFailed(string code, string? activation = null) => Assert(
        StopReason == StopReason.Failed && Status.Error?.Code == code && (activation is null || Status.Error.Activation == activation),
        $"The run must fail with {code}{(activation is null ? "" : $" at {activation}")}; it ended with {Name(StopReason)}{(Status.Error is { } error ? $", {error.Code} at {error.Activation}" : "")}.");

    /// <summary>Asserts the output. Objects are equal whatever the order of their members, numbers by their value.</summary>
    /// <param name="expected">The output, written with the web defaults of System.Text.Json.</param>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">The output differs.</exception>
    public WorkflowRunResult AssertOutput(object? expected)
    {
        var wanted = JsonSerializer.SerializeToNode(expected, JsonSerializerOptions.Web);
        var found = JsonNode.Parse(Output.GetRawText(), documentOptions: JsonLimits.Document);
        return Assert(JsonNode.DeepEquals(wanted, found), $"The output must be {wanted?.ToJsonString() ?? "null"}; it is {Output.GetRawText()}.");
    }

    /// <summary>Asserts the number of model calls of an agent, repeated attempts included.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="count">How many.</param>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">The number differs.</exception>
    public WorkflowRunResult AssertCalls(string agent, int count)
    {
        var made = Calls.Count(call => call.Agent == agent);
        return Assert(made == count, string.Create(CultureInfo.InvariantCulture, $"Agent \"{agent}\" must make {count} calls; it has made {made}."));
    }

    /// <summary>Asserts how a node ended, in its last round.</summary>
    /// <param name="node">The node.</param>
    /// <param name="status">The status: <c>completed</c>, <c>skipped</c>, <c>failed</c>, <c>stopped</c> or <c>pending</c>.</param>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">It ended otherwise, or is not among the nodes that the status shows.</exception>
    public WorkflowRunResult AssertNode(string node, string status)
    {
        var found = Status.CustomStatus?.Nodes.FirstOrDefault(each => each.Node == node)?.Status;
        return Assert(found == status, $"Node \"{node}\" must be {status}; it is {found ?? "not there"}.");
    }

    /// <summary>Asserts that a text has, or has not, reached an agent in any message of any call.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="text">The text.</param>
    /// <param name="seen">Whether a message must contain the text, or none may.</param>
    /// <returns>This run.</returns>
    /// <exception cref="RunAssertionException">The assertion does not hold.</exception>
    public WorkflowRunResult AssertSees(string agent, string text, bool seen = true) => Assert(
        Calls.Where(call => call.Agent == agent).Any(call => call.Messages.Any(message => ModelCall.TextOf(message).Contains(text, StringComparison.Ordinal))) == seen,
        $"Agent \"{agent}\" must {(seen ? "" : "not ")}see \"{text}\".");

    /// <summary>Describes the run: how every activation ended, and every model call.</summary>
    /// <returns>Several lines.</returns>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Status.Name} ended with {Name(StopReason)} after {Duration:c}{(Status.Error is { } error ? $": {error.Code} at {error.Activation}: {error.Message}" : "")}");
        foreach (var (outcome, result) in Outcomes)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {outcome.Activation}: {outcome.Status}{(outcome.Error is { } problem ? $", {problem.Code}: {problem.Message}" : "")} {ErrorText.Shorten(result?.GetRawText() ?? "", 200)}");
        }

        foreach (var call in Calls)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  asked {call.Agent} ({call.Activation}): {ErrorText.Shorten(call.Prompt, 200)}");
        }

        return text.ToString();
    }

    private static string Name(StopReason reason) => StopReasons.Name(reason);

    private WorkflowRunResult Assert(bool holds, string expectation) => holds ? this : throw new RunAssertionException($"{expectation}\n{this}");
}

/// <summary>A run did not meet the expectation of a test.</summary>
/// <param name="message">What was expected, and how the run went.</param>
public sealed class RunAssertionException(string message) : Exception(message);
