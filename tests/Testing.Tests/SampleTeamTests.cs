using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Testing.Tests;

/// <summary>The samples in which several agents share a task, with scripted models.</summary>
[Trait("Row", "O11")]
public sealed class SampleTeamTests
{
    private static readonly string Samples = Path.Combine(WorkflowTestHostTests.Root(), "samples");

    [Fact]
    [Trait("Row", "O12")]
    public async Task CodingTeam_WithAFault_GoesBackToTheCoderAndEndsWithTheMendedPatch()
    {
        var read = new List<string>();
        await using var host = await WorkflowTestHost.StartAsync(tools: new Dictionary<string, Func<JsonElement, object?>>
        {
            ["list_files"] = _ => new[] { "glossary.md" },
            ["read_file"] = arguments =>
            {
                read.Add(arguments.GetProperty("path").GetString()!);
                return "| ledger | what has been paid |";
            },
        });
        host.Models.For("architect").CallsTool("list_files").CallsTool("read_file", new { path = "glossary.md" })
            .CallsTool("handoff", new { to = "coder", reason = "A row after ledger in glossary.md." });
        host.Models.For("coder").CallsTool("read_file", new { path = "glossary.md" })
            .Responds(_ => Handoff("+| lease | time |", "reviewer", "First draft."))
            .Responds(_ => Handoff("+| lease | a share of a limit, for some seconds |", "reviewer", "Mended."));
        host.Models.For("reviewer").CallsTool("handoff", new { to = "coder", reason = "Time of what?" }).Answers("It adds one row.");

        var run = await host.RunFileAsync(Path.Combine(Samples, "coding-team.yaml"), new { task = "Say what a lease is." });

        run.AssertCompleted()
            .AssertOutput(new { patch = "+| lease | a share of a limit, for some seconds |", review = "It adds one row.", stopReason = "completed", turns = 5 })
            .AssertSees("coder", "A row after ledger in glossary.md.").AssertSees("coder", "Time of what?")
            .AssertSees("reviewer", "+| lease | time |").AssertSees("reviewer", "First draft.")
            .AssertCalls("clerk", 0);
        Assert.Equal(["glossary.md", "glossary.md"], read);
    }

    [Fact]
    [Trait("Row", "O3")]
    public async Task Research_ThatLeadsNowhere_IsPlannedAnewAndReported()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("coordinator")
            .AnswersJson(Plan("Measure the water.", "engineer", "How warm is it?"))
            .AnswersJson(Plan("", "engineer", "How warm is it really?", isProgress: false))
            .AnswersJson(Plan("", "engineer", "Again.", isProgress: false))
            .AnswersJson(Plan("Ask for the cost.", "economist", "What does a heat pump cost?"))
            .AnswersJson(Plan("", "economist", "", isDone: true, answer: "Yes, with a heat pump."));
        host.Models.For("engineer").Answers("14 degrees.").Answers("14 degrees, as I said.");
        host.Models.For("economist").Answers("4 to 6 million.");
        host.Models.For("writer").AnswersJson(new { answer = "Yes.", findings = new[] { "14 degrees", "4 to 6 million" }, open = new[] { "the flow" } });

        var run = await host.RunFileAsync(Path.Combine(Samples, "research.yaml"), new { question = "Heat with mine water?" });

        run.AssertCompleted().AssertCalls("coordinator", 5).AssertCalls("engineer", 2).AssertCalls("economist", 1).AssertCalls("lawyer", 0)
            .AssertSees("writer", "economist: 4 to 6 million.").AssertSees("writer", "Ask for the cost.", seen: false);
        Assert.Equal("Yes.", run.Output.GetProperty("report").GetProperty("answer").GetString());
        Assert.Equal("Measure the water.", run.Output.GetProperty("plan").GetString());
    }

    private static object Plan(string plan, string next, string instruction, bool isProgress = true, bool isDone = false, string answer = "") =>
        new { plan, isDone, isProgress, instruction, answer, next };

    private static ChatResponse Handoff(string text, string to, string reason) => new(new ChatMessage(
        ChatRole.Assistant,
        [new TextContent(text), new FunctionCallContent("call", "handoff", new Dictionary<string, object?> { ["to"] = to, ["reason"] = reason })]));
}
