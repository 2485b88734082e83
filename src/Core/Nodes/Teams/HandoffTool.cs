using System.Buffers;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>The tool by which a member of a team hands off. It is no tool of the host: the team's runner takes its calls.</summary>
internal static class HandoffTool
{
    /// <summary>The tool's name. No tool of a member may have this name.</summary>
    public const string Name = "handoff";

    /// <summary>The target that stands for a person. No member has this name.</summary>
    public const string Person = "person";

    /// <summary>Gets what the model is told of the tool.</summary>
    /// <param name="team">The team.</param>
    /// <param name="member">The member that may call it.</param>
    /// <param name="agents">The agents by name.</param>
    public static string Describe(TeamNode team, string member, IReadOnlyDictionary<string, AgentDefinition> agents) =>
        "Hands the conversation to somebody else, who then goes on with it. Call it alone, and only when somebody else should go on; an answer without it ends the work. To whom:\n"
        + string.Join('\n', team.HandoffsOf(member).Select(target => $"- {target}{About(team, target, agents)}"));

    /// <summary>Gets the schema of the tool's arguments.</summary>
    public static JsonElement Parameters(IReadOnlyList<string> targets)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", "object");
            writer.WriteStartObject("properties");
            writer.WriteStartObject("to");
            writer.WriteString("type", "string");
            writer.WriteStartArray("enum");
            foreach (var target in targets)
            {
                writer.WriteStringValue(target);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteStartObject("reason");
            writer.WriteString("type", "string");
            writer.WriteString("description", "What the other should know or do.");
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStartArray("required");
            writer.WriteStringValue("to");
            writer.WriteStringValue("reason");
            writer.WriteEndArray();
            writer.WriteBoolean("additionalProperties", false);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    /// <summary>Makes the message of a turn that ends with a handoff: <c>{ "handoff": …, "reason": … }</c>.</summary>
    /// <param name="given">The arguments of the call.</param>
    /// <param name="targets">To whom the member may hand off.</param>
    /// <param name="message">The message.</param>
    /// <returns>What is wrong with the arguments, for the model; <see langword="null"/> if nothing is.</returns>
    public static string? Read(Payload given, IReadOnlyList<string> targets, out Payload message)
    {
        message = Payload.Null;
        if (given.Json is not { } arguments)
        {
            // Whether it is a handoff has to be known here, and what is in the payload store is not.
            return $"The reason is too long: {Payload.InlineLimitBytes:N0} bytes of JSON are the most. Say it shorter.";
        }

        if (arguments.ValueKind != JsonValueKind.Object
            || !arguments.TryGetProperty("to", out var to) || to.ValueKind != JsonValueKind.String || !targets.Contains(to.GetString()!))
        {
            return $"\"to\" must be one of: {string.Join(", ", targets)}.";
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("handoff", to.GetString());
            if (arguments.TryGetProperty("reason", out var reason) && reason.ValueKind == JsonValueKind.String)
            {
                writer.WriteString("reason", reason.GetString());
            }

            writer.WriteEndObject();
        }

        message = Payload.Inline(JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document));
        return null;
    }

    /// <summary>Gets to whom a message hands off; <see langword="null"/> if it does not. A message of any agent may do so that is an object with <c>handoff</c>.</summary>
    public static string? TargetOf(Payload message) =>
        message.Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("handoff", out var target) && target.ValueKind == JsonValueKind.String ? target.GetString() : null;

    private static string About(TeamNode team, string target, IReadOnlyDictionary<string, AgentDefinition> agents) =>
        (target == Person ? team.Person : agents.GetValueOrDefault(target)?.Description) is { Length: > 0 } about ? $": {about}" : "";
}

/// <summary>The tool by which a member of a team hands off, as the member is told of it.</summary>
/// <param name="Description">What it does, and to whom the member may hand off.</param>
/// <param name="Parameters">The schema of its arguments.</param>
internal sealed record HandoffOffer(string Description, JsonElement Parameters);
