using System.Text.Json;
using Microsoft.Data.Sqlite;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine;

namespace Polyphony.Hosting.Tests;

/// <summary>
/// A data file of the first version goes on with the program of today: the file, its rows, histories, states, payloads, ledger and definitions. <c>Versions/3.db</c> was written by that version and never changes again
/// once there is a release; a format that changes brings a migration, and a file of its own beside it.
/// </summary>
/// <remarks>Until then <c>POLYPHONY_UPDATE_VERSION=1</c> writes it anew.</remarks>
[Trait("Row", "H15")]
public sealed class FirstVersionTests : IDisposable
{
    private const string Survey = """
        name: survey
        input: { type: object, required: [topics, notes], properties: { topics: { type: array, items: { type: string } }, notes: { type: string } } }
        models: { m: { provider: offline } }
        agents: { reader: { model: m, instructions: Read. } }
        nodes:
          read: { agent: reader, forEach: "{{ input.topics }}", prompt: "{{ item }} is durable. Read about it." }
          approve: { human: { prompt: "Publish {{ size(nodes.read.output) }} notes?", schema: { type: object, required: [yes], properties: { yes: { type: boolean } } } } }
          count: { workflow: counting, input: { text: "{{ input.notes }}" } }
        edges: [read -> approve -> count]
        output: { read: "{{ nodes.read.output }}", approved: "{{ nodes.approve.output.yes }}", count: "{{ nodes.count.output }}" }
        """;

    private const string Counting = "name: counting\ninput: { type: object, required: [text], properties: { text: { type: string } } }\nnodes: { n: { transform: \"{{ size(input.text) }}\" } }\noutput: \"{{ nodes.n.output }}\"\n";
    private const string Output = """{"read":["Ink is durable. Read about it.","Oak is durable. Read about it.","Tin is durable. Read about it."],"approved":true,"count":90000}""";

    private readonly TestApp _app = new TestApp().Write("flows/survey.yaml", Survey).Write("flows/counting.yaml", Counting);

    private string Data => Path.Combine(_app.Root, ".polyphony");

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task DataFile_OfTheFirstVersion_GoesOnWhereItWas()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        Directory.CreateDirectory(Data);
        var file = Path.Combine(Data, "polyphony.db");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Versions", "3.db"), file);

        Assert.Empty((await DataFileCheck.RunAsync(file, cancellationToken: cancellationToken)).Problems);
        using var host = _app.Worker(builder => builder.AddPolyphony().AddWorkflows("flows"));
        await host.StartAsync(cancellationToken);
        var client = TestApp.WorkflowsOf(host);

        var ended = (await client.GetAsync("ended", new WorkflowStatusOptions(Outcomes: true), cancellationToken))!;
        Assert.Equal((StopReason.Completed, Output), (ended.StopReason!.Value, ended.Output!.Value.GetRawText()));
        Assert.Equal(["read[0]", "read[1]", "read[2]", "approve", "count"], ended.Outcomes!.Select(outcome => outcome.Outcome.Activation));
        Assert.Equal(3, ended.Usage.ModelCalls);
        Assert.NotEmpty(await client.Durable.GetHistoryAsync("ended", 0, cancellationToken));

        var waiting = (await client.GetAsync("waiting", cancellationToken: cancellationToken))!;
        Assert.Equal(OrchestrationRuntimeStatus.Running, waiting.RuntimeStatus);
        Assert.Equal("Publish 3 notes?", Assert.Single(waiting.CustomStatus!.WaitingFor).Prompt);
        await client.RaiseEventAsync("waiting", "answer:approve", JsonElement.Parse("""{"yes":true}"""), cancellationToken);
        await client.Durable.WaitForCompletionAsync("waiting", cancellationToken);
        var completed = (await client.GetAsync("waiting", cancellationToken: cancellationToken))!;
        Assert.Equal((StopReason.Completed, Output, 3), (completed.StopReason!.Value, completed.Output!.Value.GetRawText(), completed.Usage.ModelCalls));

        var suspended = (await client.GetAsync("suspended", cancellationToken: cancellationToken))!;
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, suspended.RuntimeStatus);
        Assert.Equal("north", (await client.Durable.GetAsync("suspended", cancellationToken: cancellationToken))!.Tags["team"]);
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task DataFile_OfToday_IsOfTheVersionThatIsKept()
    {
        await WriteAsync();
        var file = Path.Combine(Data, "polyphony.db");
        await using (var today = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False"))
        {
            today.Open();
            using var version = today.CreateCommand();
            version.CommandText = "PRAGMA user_version";
            Assert.Equal(3L, version.ExecuteScalar());
        }

        if (Environment.GetEnvironmentVariable("POLYPHONY_UPDATE_VERSION") == "1")
        {
            File.Copy(file, Path.Combine(AppContext.BaseDirectory, "../../../Versions/3.db"), overwrite: true);
        }
    }

    /// <summary>Writes a file with an instance that has ended, one that waits, and one that is suspended.</summary>
    private async Task WriteAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = _app.Worker(builder => builder.AddPolyphony().AddWorkflows("flows"));
        await host.StartAsync(cancellationToken);
        var client = TestApp.WorkflowsOf(host);
        var input = JsonSerializer.SerializeToElement(new { topics = (string[])["Ink", "Oak", "Tin"], notes = new string('n', 90_000) });
        foreach (var id in (string[])["ended", "waiting", "suspended"])
        {
            var options = new StartWorkflowOptions { InstanceId = id, Tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["team"] = "north" } };
            await client.StartAsync("survey", input, options, cancellationToken);
            for (long version = 0; (await client.GetAsync(id, cancellationToken: cancellationToken))!.CustomStatus?.WaitingFor.Count is null or 0;)
            {
                version = (await client.Durable.WaitForChangeAsync(id, version, cancellationToken))!.Version;
            }
        }

        await client.RaiseEventAsync("ended", "answer:approve", JsonElement.Parse("""{"yes":true}"""), cancellationToken);
        await client.Durable.WaitForCompletionAsync("ended", cancellationToken);
        await client.Durable.SuspendAsync("suspended", "to be kept", cancellationToken);
        await host.StopAsync(cancellationToken);
    }
}
