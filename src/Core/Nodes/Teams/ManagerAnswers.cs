using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>What a team's manager answers: who is next; a planner's answer is its plan and its record of progress too.</summary>
/// <remarks>
/// A planner's answer is the task ledger and the progress ledger of Magentic-One (Fourney et al. 2024, "Magentic-One: A Generalist Multi-Agent System for Solving Complex Tasks"), asked
/// for in one call.
/// </remarks>
internal static class ManagerAnswers
{
    public static JsonSchema SchemaOf(TeamNode team)
    {
        var json = JsonElements.Object(writer =>
        {
            writer.WriteString("type", "object");
            writer.WriteStartObject("properties");
            if (team.Speaker == SpeakerPolicy.Planner)
            {
                Property(writer, "plan", "string", "What is known, what has to be found out, and the plan: who does what. Empty to keep the last one.");
                Property(writer, "isDone", "boolean", "Whether the task is done.");
                Property(writer, "isProgress", "boolean", "Whether the last turn brought the task forward. True before the first.");
                Property(writer, "instruction", "string", "What the next speaker is to do. Empty if the task is done.");
                Property(writer, "answer", "string", "The answer to the task if it is done, else empty.");
            }

            writer.WriteStartObject("next");
            writer.WriteString("type", "string");
            writer.WriteString("description", "Whose turn it is.");
            writer.WriteStrings("enum", team.Members);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStrings("required", team.Speaker == SpeakerPolicy.Planner ? ["plan", "isDone", "isProgress", "instruction", "answer", "next"] : ["next"]);
            writer.WriteBoolean("additionalProperties", false);
        });
        return JsonSchema.TryParse(json, out var schema, out var problems) ? schema : throw new InvalidOperationException(problems[0].Message);
    }

    private static void Property(Utf8JsonWriter writer, string name, string type, string description)
    {
        writer.WriteStartObject(name);
        writer.WriteString("type", type);
        writer.WriteString("description", description);
        writer.WriteEndObject();
    }
}
