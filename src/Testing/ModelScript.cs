using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Testing;

/// <summary>
/// The answers of the models in a test. Rules are tried from the last added to the first; a call that matches none fails the run with <c>no_scripted_answer</c>, so that no test passes on an answer
/// that nobody intended. Thread-safe; several calls may be answered at the same time.
/// </summary>
public sealed class ModelScript
{
    private readonly Lock _lock = new();
    private readonly List<Rule> _rules = [];
    private readonly List<ModelCall> _calls = [];
    private IReadOnlyDictionary<string, string> _given = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Gets the calls so far, in the order in which they were made. Repeated attempts are listed as separate calls.</summary>
    public IReadOnlyList<ModelCall> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>Scripts the calls of an agent.</summary>
    /// <param name="agent">Its name.</param>
    /// <returns>The rule that takes the answers.</returns>
    public ModelRule For(string agent) => When(call => call.Agent == agent);

    /// <summary>Scripts every call that matches no other rule.</summary>
    /// <returns>The rule that takes the answers.</returns>
    public ModelRule ForAll() => When(_ => true);

    /// <summary>Scripts the calls that match a condition.</summary>
    /// <param name="fits">The condition.</param>
    /// <returns>The rule that takes the answers.</returns>
    public ModelRule When(Func<ModelCall, bool> fits) => new(this, fits);

    internal void Add(Func<ModelCall, bool> fits, IReadOnlyList<Func<ModelCall, ChatResponse>> answers)
    {
        lock (_lock)
        {
            _rules.Add(new Rule(fits, answers));
        }
    }

    /// <summary>Sets what stands in for nodes that a test does not run; calls of theirs are not among <see cref="Calls"/>.</summary>
    internal void SetGiven(IReadOnlyDictionary<string, string> given)
    {
        lock (_lock)
        {
            _given = given;
        }
    }

    internal ChatResponse Answer(ModelCall call)
    {
        Func<ModelCall, ChatResponse>? answer = null;
        lock (_lock)
        {
            if (_given.TryGetValue(call.Activation, out var given))
            {
                return Text(given);
            }

            _calls.Add(call);
            if (_rules.FindLast(rule => rule.Fits(call)) is { } rule)
            {
                // The last answer goes on forever.
                answer = rule.Answers[Math.Min(rule.Used++, rule.Answers.Count - 1)];
            }
        }

        return answer?.Invoke(call) ?? throw new ModelException(new CallError(
            "no_scripted_answer", $"The test has no answer for agent \"{call.Agent}\" ({call.Activation}), asked: {ErrorText.Shorten(call.Prompt)}", ErrorKind.Terminal));
    }

    internal static ChatResponse Text(string text) => Respond([new TextContent(text)], text.Length, ChatFinishReason.Stop);

    internal static ChatResponse ToolCall(string tool, object? arguments) => Respond(
        [new FunctionCallContent(
            $"call_{tool}",
            tool,
            JsonSerializer.SerializeToElement(arguments ?? new object(), JsonSerializerOptions.Web).EnumerateObject().ToDictionary(member => member.Name, member => (object?)member.Value.Clone()))],
        tool.Length,
        ChatFinishReason.ToolCalls);

    // Tokens as a rule of thumb has them: four characters each.
    private static ChatResponse Respond(List<AIContent> contents, int length, ChatFinishReason reason) => new(new ChatMessage(ChatRole.Assistant, contents))
    {
        FinishReason = reason,
        ModelId = "scripted",
        Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = Math.Max(1, length / 4) },
    };

    private sealed record Rule(Func<ModelCall, bool> Fits, IReadOnlyList<Func<ModelCall, ChatResponse>> Answers)
    {
        public int Used { get; set; }
    }
}
