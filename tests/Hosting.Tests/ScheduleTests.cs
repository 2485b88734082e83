using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;

namespace Polyphony.Hosting.Tests;

/// <summary>Schedules of an app: files are watched, workflows in C# have schedules too, and a restart neither loses nor repeats a start.</summary>
[Trait("Row", "O15")]
public sealed class ScheduleTests : IDisposable
{
    private readonly TestApp _app = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task File_WrittenEditedAndDeletedUnderARunningHost_TakesEffect()
    {
        using var host = _app.Worker(builder => builder.AddPolyphony().AddWorkflows("flows"));
        await host.StartAsync(Token);
        var client = TestApp.WorkflowsOf(host);

        _app.Write("flows/tick.yaml", File("first"));
        await UntilAsync(async () => (await OutputsAsync(client)).Contains("\"first\""));
        _app.Write("flows/tick.yaml", File("the second"));
        await UntilAsync(async () => (await OutputsAsync(client)).Contains("\"the second\""));

        System.IO.File.Delete(Path.Combine(_app.Root, "flows", "tick.yaml"));
        await UntilAsync(async () => (await client.Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.ScheduleOrchestration }, Token)).Instances.All(instance => instance.IsFinished));
        await host.StopAsync(Token);
    }

    [Fact]
    [Trait("Row", "O14")]
    [Trait("Row", "H9")]
    public async Task CodeWorkflow_OverARestart_StartsEverySecondOnce()
    {
        for (var start = 1; start <= 2; start++)
        {
            using var host = _app.Worker(builder => builder.AddPolyphony().AddCodeWorkflow(
                new WorkflowBuilder("tick").Schedule("* * * * * *", catchUp: CatchUpPolicy.All, input: "{{ schedule.due }}"), (_, input) => Task.FromResult<JsonElement?>(input)));
            await host.StartAsync(Token);
            var client = TestApp.WorkflowsOf(host);
            var wanted = 3 * start;
            await UntilAsync(async () => (await StartedAsync(client)).Count(instance => instance.IsFinished) >= wanted);
            await host.Services.GetRequiredService<ScheduleClient>().PauseAsync("tick", cancellationToken: Token);

            // No second is left out, none is there twice, and each has its own as its input.
            var started = await StartedAsync(client);
            var due = started.Select(instance => DateTimeOffset.Parse(instance.InstanceId["tick.".Length..], System.Globalization.CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(due.Select(time => time.ToString("'\"'yyyy-MM-dd'T'HH:mm:ss'Z\"'", System.Globalization.CultureInfo.InvariantCulture)), await InputsAsync(client, started));
            var seconds = due.Select(time => time.ToUnixTimeSeconds()).Order().ToList();
            Assert.Equal(start == 1 ? Enumerable.Range(0, seconds.Count).Select(second => seconds[0] + second) : seconds.Distinct(), seconds);
            await host.Services.GetRequiredService<ScheduleClient>().ResumeAsync("tick", cancellationToken: Token);
            await host.StopAsync(Token);
        }
    }

    private static string File(string word) => $"name: tick\ninput: {{}}\nnodes: {{ a: {{ transform: \"{{{{ input }}}}\" }} }}\nschedule: {{ cron: \"* * * * * *\", input: {word} }}\n";

    private static async Task<IReadOnlyList<OrchestrationMetadata>> StartedAsync(WorkflowClient client) =>
        (await client.Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.WorkflowOrchestration, PageSize = OrchestrationQuery.MaxPageSize }, Token)).Instances;

    private static async Task<IReadOnlyList<string?>> OutputsAsync(WorkflowClient client) => await ReadAsync(client, await StartedAsync(client), status => status.Output);

    private static Task<IReadOnlyList<string?>> InputsAsync(WorkflowClient client, IReadOnlyList<OrchestrationMetadata> instances) => ReadAsync(client, instances, status => status.Input);

    private static async Task<IReadOnlyList<string?>> ReadAsync(WorkflowClient client, IReadOnlyList<OrchestrationMetadata> instances, Func<WorkflowStatus, JsonElement?> part)
    {
        var texts = new List<string?>();
        foreach (var instance in instances)
        {
            texts.Add(part((await client.GetAsync(instance.InstanceId, cancellationToken: Token))!)?.GetRawText());
        }

        return texts;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
