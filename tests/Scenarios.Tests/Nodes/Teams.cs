using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Client;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>What the tests of teams share: a team of three, and what models say in it.</summary>
internal static class Teams
{
    public const string Three = """
        name: talk
        input: { type: object, properties: { task: { type: string } } }
        models: { ann: { provider: offline }, bob: { provider: offline }, cleo: { provider: offline }, chair: { provider: offline } }
        agents:
          ann: { model: ann, description: "Knows {{ law }}." }
          bob: { model: bob, instructions: "You are Bob at {{ input.task }}.", FILTER }
          cleo: { model: cleo }
          chair: { model: chair }
        nodes:
          debate: { team: [ann, bob, cleo], prompt: "Decide: {{ input.task }}", TEAM }
        """;

    public static readonly object Input = new { task = "tea" };

    public static string Team(string team) => Three.Replace("TEAM", team, StringComparison.Ordinal).Replace(", FILTER", "", StringComparison.Ordinal);

    public static string Heard(IEnumerable<ChatMessage> messages) => string.Join(" / ", messages.Select(message => $"{message.Role}:{message.Text}"));

    public static IEnumerable<string> Speakers(WorkflowStatus status) => status.Output!.Value.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("agent").GetString() ?? "");

    public static ChatResponse Call(string tool, string arguments) => Answer([new FunctionCallContent("c", tool, JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments))]);

    public static ChatResponse Answer(IList<AIContent> contents) => new(new ChatMessage(ChatRole.Assistant, contents)) { FinishReason = ChatFinishReason.ToolCalls, ModelId = "test-model" };

    public static string Decision(string plan, string next, string instruction, string answer = "", bool isProgress = true) =>
        JsonSerializer.Serialize(new { plan, isDone = answer.Length > 0, isProgress, instruction, answer, next });
}
