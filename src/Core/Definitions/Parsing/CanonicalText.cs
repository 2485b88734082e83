using System.Text.Json;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Writes the parts of the canonical form. What is not there is not written.</summary>
/// <param name="writer">Where to.</param>
/// <param name="values">Values with templates, as written.</param>
internal sealed class CanonicalText(Utf8JsonWriter writer, IReadOnlyDictionary<ValueTemplate, JsonElement> values)
{
    /// <summary>Begins an object.</summary>
    public void Begin(string key) => writer.WriteStartObject(key);

    /// <summary>Ends the object that was begun last.</summary>
    public void End() => writer.WriteEndObject();

    public void Limits(WorkflowLimits? limits)
    {
        if (limits is null || limits == new WorkflowLimits())
        {
            return;
        }

        writer.WriteStartObject("limits");
        if (limits.IsMaxConcurrencyGiven)
        {
            writer.WriteNumber("maxConcurrency", limits.MaxConcurrency);
        }

        Number("maxModelCalls", limits.MaxModelCalls);
        Number("maxTokens", limits.MaxTokens);
        if (limits.MaxCostUsd is { } cost)
        {
            writer.WriteNumber("maxCostUsd", (double)cost);
        }

        Time("timeout", limits.Timeout);
        writer.WriteEndObject();
    }

    public void Retry(RetryDefinition? retry)
    {
        if (retry is null)
        {
            return;
        }

        var defaults = new RetryDefinition();
        writer.WriteStartObject("retry");
        if (retry.MaxAttempts != defaults.MaxAttempts)
        {
            writer.WriteNumber("maxAttempts", retry.MaxAttempts);
        }

        if (retry.FirstDelay != defaults.FirstDelay)
        {
            Time("firstDelay", retry.FirstDelay);
        }

        if (!retry.Backoff.Equals(defaults.Backoff))
        {
            writer.WriteNumber("backoff", retry.Backoff);
        }

        if (retry.MaxDelay != defaults.MaxDelay)
        {
            Time("maxDelay", retry.MaxDelay);
        }

        writer.WriteEndObject();
    }

    public void Text(string key, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(key, text);
        }
    }

    public void Texts(string key, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0)
        {
            return;
        }

        writer.WriteStartArray(key);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes the tools of an agent: names, and objects where there is more to say of one.</summary>
    public void Tools(IReadOnlyList<string> names, IReadOnlyDictionary<string, ToolRules> rules, Action<ToolRules> write)
    {
        if (names.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("tools");
        foreach (var name in names)
        {
            if (!rules.TryGetValue(name, out var own))
            {
                writer.WriteStringValue(name);
                continue;
            }

            writer.WriteStartObject();
            writer.WriteString("name", name);
            write(own);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public void Number(string key, long? number)
    {
        if (number is { } value)
        {
            writer.WriteNumber(key, value);
        }
    }

    public void Flag(string name, bool? value)
    {
        if (value is { } flag)
        {
            writer.WriteBoolean(name, flag);
        }
    }

    public void Time(string key, TimeSpan? duration)
    {
        if (duration is { } value)
        {
            writer.WriteString(key, Duration.Format(value));
        }
    }

    public void Truncation(TruncationPolicy? policy)
    {
        if (policy is { } given)
        {
            writer.WriteString("onTruncation", given == TruncationPolicy.Fail ? "fail" : "keep");
        }
    }

    public void Json(string key, JsonElement? json)
    {
        if (json is not { } value)
        {
            return;
        }

        writer.WritePropertyName(key);
        value.WriteTo(writer);
    }

    public void Value(string key, ValueTemplate? template)
    {
        if (template is not null)
        {
            Json(key, values[template]);
        }
    }

    /// <summary>Writes the members of an object beside what is there.</summary>
    public void Members(ValueTemplate template)
    {
        foreach (var member in values[template].EnumerateObject())
        {
            member.WriteTo(writer);
        }
    }

    public void Compaction(ConversationCompaction? compact)
    {
        if (compact is not null)
        {
            Begin("compact");
            Text("agent", compact.Agent);
            Number("above", compact.Above == ConversationCompaction.DefaultAbove ? null : compact.Above);
            Number("keep", compact.Keep == ConversationCompaction.DefaultKeep ? null : compact.Keep);
            End();
        }
    }

    public void Termination(string key, TerminationCondition? condition)
    {
        if (condition is not null)
        {
            writer.WritePropertyName(key);
            Termination(condition);
        }
    }

    private void Termination(TerminationCondition condition)
    {
        writer.WriteStartObject();
        switch (condition)
        {
            case MaxMessagesTermination messages:
                Number("maxMessages", messages.Count);
                break;
            case MaxTokensTermination tokens:
                Number("maxTokens", tokens.Count);
                break;
            case TextMentionTermination mention:
                Text("textMention", mention.Text);
                Text("from", mention.From);
                break;
            case TimeoutTermination timeout:
                Time("timeout", timeout.After);
                break;
            case HandoffTermination handoff:
                Text("handoff", handoff.Target);
                break;
            case ExpressionTermination expression:
                Text("when", expression.When.Text);
                break;
            case AnyTermination any:
                Terminations("any", any.Conditions);
                break;
            case AllTermination all:
                Terminations("all", all.Conditions);
                break;
        }

        writer.WriteEndObject();
    }

    private void Terminations(string key, IReadOnlyList<TerminationCondition> conditions)
    {
        writer.WriteStartArray(key);
        foreach (var condition in conditions)
        {
            Termination(condition);
        }

        writer.WriteEndArray();
    }
}
