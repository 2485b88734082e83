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

    /// <summary>Describes the tool to the model.</summary>
    /// <param name="team">The team.</param>
    /// <param name="member">The member that may call it.</param>
    /// <param name="agents">The agents by name.</param>
    public static string Describe(TeamNode team, string member, IReadOnlyDictionary<string, AgentDefinition> agents) =>
        "Hands the conversation to somebody else, who then continues it. Call it alone, and only when somebody else should continue; an answer without it ends the work. To whom:\n"
        + string.Join('\n', team.HandoffsOf(member).Select(target => $"- {target}{About(team, target, agents)}"));

    /// <summary>Gets the schema of the tool's arguments.</summary>
    public static JsonElement Parameters(IReadOnlyList<string> targets) => JsonElements.Object(writer =>
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        writer.WriteStartObject("to");
        writer.WriteString("type", "string");
        writer.WriteStrings("enum", targets);
        writer.WriteEndObject();
        writer.WriteStartObject("reason");
        writer.WriteString("type", "string");
        writer.WriteString("description", "What the other should know or do.");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStrings("required", ["to", "reason"]);
        writer.WriteBoolean("additionalProperties", false);
    });

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
            // To whom it hands off must be known here, and a value in the payload store is not.
            return $"The reason is too long: at most {Payload.InlineLimitBytes:N0} bytes of JSON are allowed. Shorten it.";
        }

        if (arguments.ValueKind != JsonValueKind.Object
            || !arguments.TryGetProperty("to", out var to) || to.ValueKind != JsonValueKind.String || !targets.Contains(to.GetString()!))
        {
            return $"\"to\" must be one of: {string.Join(", ", targets)}.";
        }

        message = Payload.Inline(JsonElements.Object(writer =>
        {
            writer.WriteString("handoff", to.GetString());
            if (arguments.TryGetProperty("reason", out var reason) && reason.ValueKind == JsonValueKind.String)
            {
                writer.WriteString("reason", reason.GetString());
            }
        }));
        return null;
    }

    /// <summary>Gets to whom a message hands off; <see langword="null"/> if it does not. A message of any agent that is an object with <c>handoff</c> may do so.</summary>
    public static string? TargetOf(Payload message) =>
        message.Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("handoff", out var target) && target.ValueKind == JsonValueKind.String ? target.GetString() : null;

    private static string About(TeamNode team, string target, IReadOnlyDictionary<string, AgentDefinition> agents) =>
        (target == Person ? team.Person : agents.GetValueOrDefault(target)?.Description) is { Length: > 0 } about ? $": {about}" : "";
}

/// <summary>The tool by which a member of a team hands off, as described to the model.</summary>
/// <param name="Description">What it does, and to whom the member may hand off.</param>
/// <param name="Parameters">The schema of its arguments.</param>
internal sealed record HandoffOffer(string Description, JsonElement Parameters);
