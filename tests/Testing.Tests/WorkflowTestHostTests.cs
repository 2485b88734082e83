using System.ComponentModel;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Testing.Tests;

/// <summary>The package for users' tests, used as a user would: on the samples of this repository.</summary>
[Trait("Row", "T7")]
public sealed class WorkflowTestHostTests
{
    private static readonly string Samples = Path.Combine(Root(), "samples");

    [Fact]
    [Trait("Row", "O7")]
    public async Task Loop_CriticIsContentInTheSecondRound_EndsWithTheBetterDraft()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("writer").Answers("first").Answers("better");
        host.Models.For("critic").AnswersJson(new { accepted = false, comment = "too short" }).AnswersJson(new { accepted = true, comment = "good" });

        var run = await host.RunFileAsync(Path.Combine(Samples, "loop.yaml"), new { topic = "tea" });

        run.AssertCompleted()
            .AssertOutput(new { accepted = true, text = "better" })
            .AssertCalls("writer", 2).AssertCalls("critic", 2)
            .AssertSees("writer", "Last time the critic said: too short").AssertSees("critic", "first").AssertSees("critic", "why we", seen: false);
        Assert.Equal(["draft", "review", "draft#2", "review#2"], run.Calls.Select(call => call.Activation));
        Assert.Equal("You write one paragraph.", run.Calls[0].Instructions.Trim());
    }

    [Fact]
    [Trait("Row", "O11")]
    public async Task Debate_OneSideGivesIn_IsDecidedByWhatWasSaid()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("advocate").Answers("Users get it sooner.");
        host.Models.For("opponent").Answers("Nobody is there on Saturdays.").Answers("I give in: there is a rollback.");
        host.Models.For("judge").AnswersJson(new { winner = "advocate", why = "The other gave in." });

        var run = await host.RunFileAsync(Path.Combine(Samples, "debate.yaml"), new { motion = "Ship on Fridays." });

        run.AssertCompleted().AssertOutput(new { winner = "advocate", why = "The other gave in.", turns = 4 })
            .AssertCalls("advocate", 2).AssertCalls("opponent", 2).AssertCalls("scribe", 0)
            .AssertSees("judge", "advocate: Users get it sooner.").AssertSees("judge", "opponent: I give in: there is a rollback.");
    }

    [Fact]
    [Trait("Row", "O11")]
    public async Task SupportDesk_RefundAboveTheLimit_IsDecidedByAPerson()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("triage").CallsTool("handoff", new { to = "billing", reason = "Charged twice for 4711." });
        host.Models.For("billing").CallsTool("handoff", new { to = "person", reason = "Refund 80 for 4711?" }).Answers("You get 80 back.");
        host.People.Answer("desk", question => question.Contains("Refund 80") ? "Yes." : "No.");

        var run = await host.RunFileAsync(Path.Combine(Samples, "support-desk.yaml"), new { request = "Twice charged for order 4711!" });

        run.AssertCompleted().AssertOutput(new { answer = "You get 80 back.", stopReason = "completed" })
            .AssertCalls("triage", 1).AssertCalls("billing", 2).AssertCalls("technical", 0)
            .AssertSees("billing", "Charged twice for 4711.").AssertSees("billing", "Yes.");
        Assert.Equal(["desk.1", "desk.2", "desk.4"], run.Calls.Select(call => call.Activation));
    }

    [Theory]
    [InlineData(true, "completed")]
    [InlineData(false, "rejected")]
    [Trait("Row", "O10")]
    public async Task Approval_OfAPerson_DecidesHowItEnds(bool approved, string reason)
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.ForAll().Answers("New prices!");
        host.People.Answer("approve", new { approved, comment = "fine" });

        var run = await host.RunFileAsync(Path.Combine(Samples, "approval.yaml"), new { topic = "prices" });

        Assert.Equal(reason, StopReasons.Name(run.StopReason));
        Assert.Equal(TimeSpan.Zero, run.Duration);
        Assert.Equal(approved, run.Output.ValueKind == JsonValueKind.Object);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Approval_OfNobody_WaitsThreeDaysInNoTime()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.ForAll().Answers("New prices!");

        var run = await host.RunFileAsync(Path.Combine(Samples, "approval.yaml"), new { topic = "prices" });

        run.AssertFailed("timeout", "approve").AssertNode("approve", "failed").AssertNode("publish", "pending");
        Assert.Equal(72, run.Duration.TotalHours, 0.1);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Timers_WithAndWithoutTheEvent_TakeTheirTimeByTheTestsClock()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        var alone = await host.RunFileAsync(Path.Combine(Samples, "timers.yaml"));
        host.People.Answer("signal", new { by = "me" });
        var told = await host.RunFileAsync(Path.Combine(Samples, "timers.yaml"), new { at = "2026-02-01T00:00:00Z" });

        alone.AssertCompleted().AssertOutput(new { startedBy = "nobody", waited = false });
        Assert.Equal(62, alone.Duration.TotalSeconds, 0.1);
        told.AssertCompleted().AssertOutput(new { startedBy = "me", waited = true });
        Assert.Equal(31, told.Duration.TotalDays, 0.1);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Failures_ThatPass_AreTriedAgainWithoutWaiting()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("reader").Fails().Fails(ErrorCodes.RateLimited, ErrorKind.RateLimited, TimeSpan.FromSeconds(40)).Answers("About an office.");

        var run = await host.RunFileAsync(Path.Combine(Samples, "summarize-file.yaml"), new { name = "a.txt", text = "We open an office." });

        run.AssertCompleted().AssertCalls("reader", 3).AssertOutput(new { file = "a.txt", summary = "About an office." });
        Assert.InRange(run.Duration.TotalSeconds, 40, 60);
    }

    [Fact]
    public async Task Tools_OfTheApp_MayBeFakes()
    {
        JsonElement? asked = null;
        await using var host = await WorkflowTestHost.StartAsync(
            polyphony => polyphony.AddTool<Orders>(),
            new Dictionary<string, Func<JsonElement, object?>>
            {
                ["find_order"] = arguments =>
                {
                    asked = arguments;
                    return new { item = "a lamp", state = "packed" };
                },
            });
        host.Models.For("clerk").Answers(call => call.Prompt.ToUpperInvariant());

        var run = await host.RunFileAsync(Path.Combine(Samples, "FunctionsApp", "workflows", "answer-customer.yaml"), new { order = "A17", question = "Where?" });

        run.AssertCompleted().AssertOutput(new { order = "A17", answer = "WHERE? THE ORDER: A LAMP, PACKED." });
        Assert.Equal("""{"id":"A17"}""", asked!.Value.GetRawText());
    }

    [Fact]
    [Trait("Row", "O12")]
    public async Task Model_ThatAsksForATool_IsAnsweredByTheAppsOwn()
    {
        await using var host = await WorkflowTestHost.StartAsync(polyphony => polyphony.AddTool<Orders>().AddWorkflow(new WorkflowBuilder("ask")
            .Model("m", "offline").Agent("clerk", "m", "You help.", agent => agent.Tools("find_order")).AgentNode("answer", "clerk", "Where is A17?").Build()));
        host.Models.For("clerk").CallsTool("find_order", new { id = "A17" }).Answers(call => $"It is {call.Prompt}.");

        var run = await host.RunAsync("ask");

        run.AssertCompleted().AssertCalls("clerk", 2).AssertSees("clerk", "gone");
    }

    [Fact]
    public async Task OneNode_WithWhatIsBeforeItGiven_RunsAlone()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("critic").AnswersJson(new { accepted = true, comment = "{{ good }}" });

        var run = await host.RunNodeAsync(
            Path.Combine(Samples, "loop.yaml"), "review", new Dictionary<string, object?> { ["draft"] = "A text with {{ braces }}." }, new { topic = "tea" });

        run.AssertCompleted().AssertOutput(new { accepted = true, comment = "{{ good }}" }).AssertCalls("writer", 0).AssertCalls("critic", 1).AssertSees("critic", "A text with {{ braces }}.");
        Assert.Single(run.Calls);
    }

    [Fact]
    public async Task OneNode_AfterAPerson_TakesTheirAnswerAsGiven()
    {
        await using var host = await WorkflowTestHost.StartAsync();

        var run = await host.RunNodeAsync(
            Path.Combine(Samples, "approval.yaml"), "publish", new Dictionary<string, object?> { ["draft"] = "text", ["approve"] = new { approved = true, comment = "{{ fine }}" } }, new { topic = "x" });

        run.AssertCompleted().AssertOutput(new { text = "text", comment = "{{ fine }}" });
    }

    [Theory]
    [InlineData("nothing", "draft", "has no node \"nothing\". It has draft, review.")]
    [InlineData("review", "elsewhere", "has no other node \"elsewhere\"")]
    public async Task OneNode_ThatIsNotThere_IsRefused(string node, string given, string says)
    {
        await using var host = await WorkflowTestHost.StartAsync();

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => host.RunNodeAsync(Path.Combine(Samples, "loop.yaml"), node, new Dictionary<string, object?> { [given] = "x" }, new { topic = "x" }));

        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneNode_WithoutWhatItReads_IsRefusedWithWhatIsMissing()
    {
        await using var host = await WorkflowTestHost.StartAsync();

        var refused = await Assert.ThrowsAsync<WorkflowInvalidException>(() => host.RunNodeAsync(Path.Combine(Samples, "approval.yaml"), "publish", null, new { topic = "x" }));

        Assert.Contains("draft", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CallWithoutAnAnswer_FailsTheRunAndSaysWhichCall()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("writer").Answers("x");

        var run = await host.RunFileAsync(Path.Combine(Samples, "loop.yaml"), new { topic = "tea" });

        run.AssertFailed("no_scripted_answer", "review");
        Assert.Contains("The test has no answer for agent \"critic\" (review), asked: Is this text good?", run.Status.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Assertions_ThatDoNotHold_TellWhatWasExpectedAndHowTheRunWent()
    {
        await using var host = await WorkflowTestHost.StartAsync();
        host.Models.For("reader").Answers("About an office.");
        var run = await host.RunFileAsync(Path.Combine(Samples, "summarize-file.yaml"), new { name = "a.txt", text = "Office." });

        AssertSays("The output must be 1; it is {", () => run.AssertOutput(1));
        AssertSays("Agent \"reader\" must make 2 calls; it has made 1.", () => run.AssertCalls("reader", 2));
        AssertSays("The run must end with failed; it ended with completed.", () => run.AssertEnded(StopReason.Failed));
        AssertSays("The run must fail with timeout at x; it ended with completed.", () => run.AssertFailed("timeout", "x"));
        AssertSays("Node \"summarize\" must be skipped; it is completed.", () => run.AssertNode("summarize", "skipped"));
        AssertSays("Node \"other\" must be skipped; it is not there.", () => run.AssertNode("other", "skipped"));
        AssertSays("Agent \"reader\" must see \"cellar\".", () => run.AssertSees("reader", "cellar"));
        AssertSays("Agent \"reader\" must not see \"Office\".", () => run.AssertSees("reader", "Office", seen: false));

        static void AssertSays(string expected, Action assertion)
        {
            var message = Assert.Throws<RunAssertionException>(assertion).Message;
            Assert.StartsWith(expected, message, StringComparison.Ordinal);
            Assert.Contains("summarize: completed", message, StringComparison.Ordinal);
            Assert.Contains("asked reader (summarize): Summarise a.txt: Office.", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Row", "O14")]
    public async Task WorkflowInCSharp_IsTestedTheSameWay()
    {
        await using var host = await WorkflowTestHost.StartAsync(polyphony => polyphony.AddCodeWorkflow<string[], int>(
            new WorkflowBuilder("sum").Model("m", "offline").Agent("counter", "m", "You count.", agent => agent.Output<int>()),
            async (workflow, words) =>
            {
                var total = 0;
                foreach (var word in words)
                {
                    total += await workflow.CallAgentAsync<int>("counter", word);
                }

                await workflow.AskAsync("sure", "Sure?");
                return total;
            }));
        host.Models.For("counter").Answers(call => $"{call.Prompt.Length}");
        host.People.Answer("sure", question => question == "Sure?");

        var run = await host.RunAsync("sum", new[] { "one", "three" });

        run.AssertCompleted().AssertOutput(8).AssertCalls("counter", 2);
        Assert.Equal(8, run.OutputAs<int>());
    }

    internal static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("No Functions.sln above the tests.");
        }

        return folder.FullName;
    }

    public sealed class Orders
    {
        [Description("Finds an order.")]
        public string FindOrder(string id) => $"{id}: gone";
    }
}
