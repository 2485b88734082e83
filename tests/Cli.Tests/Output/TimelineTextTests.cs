using Polyphony.Cli.Output;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;

namespace Polyphony.Cli.Tests.Output;

/// <summary>What <c>history</c> shows on a terminal.</summary>
[Trait("Row", "H3")]
public sealed class TimelineTextTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 31, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Lines_OfARun_SayWhenWhereAndWhat()
    {
        RunStep[] steps =
        [
            new(1, Start, RunStepKinds.Started) { Workflow = "review" },
            new(2, Start.AddSeconds(2.5), RunStepKinds.ModelCall) { Activation = "read[0]", Agent = "reader", Model = "mini", Attempt = 1, Seconds = 2.5, Code = "timeout", Message = "no answer" },
            new(3, Start.AddSeconds(4), RunStepKinds.Throttled) { Activation = "read[0]", Agent = "reader", Until = Start.AddSeconds(30), Reason = "retry_after", Message = "slow down" },
            new(4, Start.AddSeconds(31), RunStepKinds.ModelCall) { Activation = "read[0]", Agent = "reader", Model = "mini", Attempt = 2, Seconds = 1, Tools = ["add", "pay"], Usage = new Usage(1, 1_000, 20, 0.02m) },
            new(5, Start.AddSeconds(32), RunStepKinds.ToolQuestion) { Activation = "read[0]", Tool = "pay", Agent = "reader" },
            new(6, Start.AddMinutes(5), RunStepKinds.Answered) { Activation = "read[0]/pay" },
            new(7, Start.AddMinutes(5).AddSeconds(1), RunStepKinds.ToolCall) { Activation = "read[0]", Tool = "pay", Agent = "reader", Seconds = 0.25 },
            new(8, Start.AddMinutes(6), RunStepKinds.ModelCall) { Activation = "read[0]", Agent = "reader", IsReused = true },
            new(9, Start.AddMinutes(7), RunStepKinds.ChildEnded) { InstanceId = "r-1:sub", Workflow = "part", StopReason = "completed", Seconds = 3, Usage = new Usage(3, 10, 5, 0) },
            new(10, Start.AddMinutes(8), RunStepKinds.Suspended) { Reason = "lunch\u001b[2J" },
            new(11, Start.AddHours(26), RunStepKinds.Ended) { StopReason = "failed", Code = "bad_request", Message = "no" },
        ];

        Assert.Equal(
            """
               0:00.0               started review at 2030-01-31 00:00:00Z
               0:02.5  read[0]      reader: failed after 2.5 s: no answer [timeout]
               0:04.0  read[0]      reader waits until 2030-01-31 00:00:30Z (retry_after): slow down
               0:31.0  read[0]      reader (attempt 2): asked for add, pay after 1.0 s, 1,020 tokens, $0.0200
               0:32.0  read[0]      tool pay: a person is asked
               5:00.0  read[0]/pay  answered
               5:01.0  read[0]      tool pay, asked for by reader: returned after 0.3 s
               6:00.0  read[0]      reader: answer from the ledger
               7:00.0               workflow part r-1:sub: completed after 3.0 s, 3 model calls, 15 tokens, $0.0000
               8:00.0               suspended: lunch\u001b[2J
             26:00:00               ended: failed: no [bad_request]
            """.ReplaceLineEndings("\n"),
            string.Join('\n', TimelineText.Lines(steps)));
        Assert.Empty(TimelineText.Lines([]));
    }
}
