using Polyphony.Cli.Commands;
using Polyphony.Core.Client;

namespace Polyphony.Cli.Tests;

/// <summary>What <c>queue</c> shows on a terminal.</summary>
[Trait("Row", "C6")]
public sealed class QueueTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Text_OfAQueue_ShowsStatesWorkflowsDeploymentsAndMailboxes()
    {
        var text = QueueCommand.Text(
            new QueueStatus
            {
                Unfinished = 12_000,
                IsComplete = true,
                Examined = 10_000,
                States = new QueueStates(1, 2, 9_000, 900, 90, 4, 0, 3),
                Oldest = new OldestInstance("r-1", Now.AddHours(-2), 7_200),
                Admitted = 11_990,
                Limit = 100_000,
                Workflows = [new WorkflowQueue("report", 2, null), new WorkflowQueue("review", 11_988, 12_000)],
                Deployments = [new DeploymentUse("openai", "https://api.example", "gpt\u001b[2J", 60, 60, 8_120, null, 900, Now.AddSeconds(12)), new DeploymentUse("openai", null, "m", 0, null, 0, null, 0, null) { FailingUntil = Now.AddSeconds(40) }],
                Mailboxes = new WaitingMessages(1_000, false, 5_000, Now.AddMinutes(-5)),
            },
            Now);

        Assert.Equal(
            """
            12,000 unfinished, the oldest for 2 h: r-1
            counted for the limit of 100,000: 11,990

                9,000  running
                    1  pending
                  900  throttled by a model
                   90  waiting for people
                    4  waiting for events
                    0  waiting for locks
                    3  waiting for times
                    2  suspended
            of the 10,000 oldest

            workflow  unfinished   limit
            report             2
            review        11,988  12,000

            deployment                                  requests/min  limit  tokens/min  limit  throttled   paused for
            openai gpt\u001b[2J at https://api.example            60     60       8,120               900         12 s
            openai m                                               0                  0                 0  fails, 40 s

            at least 5,000 messages in 1,000 mailboxes, the oldest for 5 min
            """.ReplaceLineEndings(),
            text);
    }

    [Fact]
    public void Text_OfAHostWithNothingToDo_IsShort()
    {
        var text = QueueCommand.Text(
            new QueueStatus
            {
                Unfinished = 0,
                IsComplete = true,
                Examined = 0,
                States = new QueueStates(0, 0, 0, 0, 0, 0, 0, 0),
                Admitted = 0,
                Workflows = [],
                Deployments = [],
                Mailboxes = new WaitingMessages(0, true, 0, null),
            },
            Now);

        Assert.Equal($"0 unfinished{Environment.NewLine}counted for a limit, of which there is none: 0", text);
    }
}
