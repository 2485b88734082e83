using Polyphony.Cli.Output;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;

namespace Polyphony.Cli.Tests.Output;

[Trait("Row", "H10")]
public sealed class TableViewTests
{
    private const int Width = 160;
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Show_BeforeAndAfterProgress_DrawsEveryNodeAndWhatWasSaid()
    {
        await using var output = new StringWriter();
        await using (var view = new TableView(output, Width))
        {
            view.Show(Status(null));
            view.Show(Status(new WorkflowProgress
            {
                Nodes =
                [
                    new NodeProgress { Node = "read", Status = "completed", Items = 8, ItemsDone = 8, ItemsFailed = 1, Attempts = 9, Tokens = 3214, CostUsd = 0.0125m, Provider = "offline", StartedTime = Start, EndedTime = Start.AddSeconds(2.5) },
                    new NodeProgress { Node = "draft", Status = "retrying", Round = 2, Attempts = 2, Error = "timeout" },
                ],
            }));
            view.Say("approve asks [you]");
        }

        var lines = output.ToString().Split('\n');
        Assert.Contains(lines, line => line.Contains("read", StringComparison.Ordinal) && Has(line, "done", "8/8 (1 failed)", "9", "3,214", "$0.0125", "2.5", "offline model"));
        Assert.Contains(lines, line => Has(line, "draft #2", "retrying", "timeout"));
        Assert.Contains(lines, line => Has(line, "approve asks [you]"));
    }

    [Fact]
    public async Task Dispose_WithNothingShown_DrawsThatItStarts()
    {
        await using var output = new StringWriter();
        await new TableView(output).DisposeAsync();

        Assert.Contains("starting", output.ToString(), StringComparison.Ordinal);
    }

    private static bool Has(string line, params string[] parts) => parts.All(part => line.Contains(part, StringComparison.Ordinal));

    private static InstanceStatus Status(WorkflowProgress? progress) => new()
    {
        Name = "w",
        InstanceId = "i",
        RuntimeStatus = OrchestrationRuntimeStatus.Running,
        CustomStatus = progress,
        CreatedTime = Start,
        LastUpdatedTime = Start,
        ChangeVersion = 1,
    };
}
