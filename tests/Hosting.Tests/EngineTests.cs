using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Engine;

namespace Polyphony.Hosting.Tests;

/// <summary>The engine in an app: when it starts and stops, what it runs, and that nothing is lost between two starts.</summary>
[Trait("Row", "H15")]
public sealed class EngineTests : IDisposable
{
    private const string Hello = "name: hello\ninput: { type: object, required: [who], properties: { who: { type: string } } }\nnodes: { greet: { transform: \"{{ 'Hello, ' + input.who }}\" } }\noutput: \"{{ nodes.greet.output }}\"\n";
    private const string Ask = "name: ask\nnodes: { approve: { human: { prompt: \"Publish?\" } } }\noutput: \"{{ nodes.approve.output }}\"\n";

    private static WorkflowBuilder Reader => new WorkflowBuilder("counted").Model("fast", "offline").Agent("reader", "fast", "Read.");

    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task Workflows_OfAFolderAndOfTheProgram_RunByTheirName()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        _app.Write("flows/hello.yaml", Hello).Write("more/ask.yaml", Ask);
        var built = new WorkflowBuilder("built").TransformNode("one", 1).Output("{{ nodes.one.output }}").Build();
        using var host = _app.Worker(builder => builder.AddPolyphony().AddWorkflows("flows").AddWorkflows(Path.Combine(_app.Root, "more")).AddWorkflow(built));
        await host.StartAsync(cancellationToken);

        Assert.Equal(["ask", "built", "hello"], TestApp.WorkflowsOf(host).Catalog.List().Select(definition => definition.Name));
        Assert.Contains("Hello, Ada", (await TestApp.RunAsync(host, "hello", """{"who":"Ada"}""")).Output!, StringComparison.Ordinal);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await TestApp.RunAsync(host, "built", "{}")).RuntimeStatus);
        Assert.True(File.Exists(Path.Combine(_app.Root, ".polyphony", "polyphony.db")));
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    [Trait("Row", "O14")]
    public async Task CodeWorkflow_RunsWithItsAgents()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true).AddCodeWorkflow(Reader, async (workflow, input) =>
        {
            var answer = await workflow.CallAgentAsync("reader", "{{ text }}", new Dictionary<string, Payload>(StringComparer.Ordinal) { ["text"] = Payload.Inline(input) });
            return JsonSerializer.SerializeToElement(new { said = answer.Json, modelCalls = workflow.Usage.ModelCalls });
        }));
        await host.StartAsync(cancellationToken);

        var client = host.Services.GetRequiredService<WorkflowClient>();
        var id = await client.StartAsync("counted", JsonElement.Parse("\"The engine stores each step. It is durable.\""), cancellationToken: cancellationToken);
        await client.Durable.WaitForCompletionAsync(id, cancellationToken);
        var ended = (await client.GetAsync(id, cancellationToken: cancellationToken))!;

        Assert.True(ended.StopReason == StopReason.Completed, $"{ended.Error}");
        Assert.Equal(1, ended.Output!.Value.GetProperty("modelCalls").GetInt32());
        Assert.Equal(["counted"], client.Catalog.List().Select(workflow => workflow.Name));
        Assert.False(Directory.Exists(Path.Combine(_app.Root, ".polyphony")));
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Instance_ThatWaitsWhenTheAppStops_GoesOnInTheNext()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        _app.Write("flows/ask.yaml", Ask);
        string id;
        using (var first = _app.Worker(builder => builder.AddPolyphony().AddWorkflows("flows")))
        {
            await first.StartAsync(cancellationToken);
            id = await TestApp.WorkflowsOf(first).StartAsync("ask", JsonElement.Parse("{}"), cancellationToken: cancellationToken);
            await first.StopAsync(cancellationToken);
            var stopped = await Assert.ThrowsAsync<PolyphonyException>(() => TestApp.WorkflowsOf(first).Durable.GetAsync(id, cancellationToken: cancellationToken));
            Assert.Equal("engine_stopped", stopped.Code);
        }

        using var next = _app.Worker(builder => builder.AddPolyphony().AddWorkflows("flows"));
        await next.StartAsync(cancellationToken);
        await TestApp.WorkflowsOf(next).RaiseEventAsync(id, "answer:approve", JsonElement.Parse("\"yes\""), cancellationToken);
        var ended = await TestApp.WorkflowsOf(next).Durable.WaitForCompletionAsync(id, cancellationToken);

        Assert.Contains("yes", ended.Output!, StringComparison.Ordinal);
        await next.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Start_OfASecondAppOnTheDataFolder_IsRefusedByTheNameOfItsOwner()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var first = _app.Worker(builder => builder.AddPolyphony());
        using var second = _app.Worker(builder => builder.AddPolyphony());
        await first.StartAsync(cancellationToken);

        var refused = await Assert.ThrowsAsync<DataFolderInUseException>(() => second.StartAsync(cancellationToken));

        Assert.Contains(Environment.ProcessId.ToString(), refused.Message, StringComparison.Ordinal);
        await first.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Client_InAHostedServiceThatWasMadeBefore_IsReadyWhenThatStarts()
    {
        _app.Write("flows/hello.yaml", Hello);
        using var host = _app.Worker(builder =>
        {
            // Before AddPolyphony, as an app may well do.
            builder.Services.AddHostedService<Starter>();
            builder.AddPolyphony().AddWorkflows("flows");
        });
        var early = await Assert.ThrowsAsync<PolyphonyException>(() => TestApp.WorkflowsOf(host).Durable.GetAsync("x", cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal("engine_not_started", early.Code);

        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.NotNull(host.Services.GetServices<IHostedService>().OfType<Starter>().Single().Started);
        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(host.Services.GetServices<IHostedService>().OfType<Starter>().Single().SeenAtTheEnd);
    }

    [Fact]
    public async Task Start_NamesUsedTwice_AreRefused()
    {
        using var host = _app.Worker(builder => builder.AddPolyphony()
            .AddWorkflow(new WorkflowBuilder("counted").TransformNode("one", 1).Build())
            .AddCodeWorkflow(Reader, (_, _) => Task.FromResult<JsonElement?>(null)));

        var invalid = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(["There are 2 workflows named \"counted\" in the program. Give each a different name."], invalid.Failures);
    }

    [Fact]
    public async Task Start_DataFolderThatOthersMayUse_IsRefused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the folder above decides.");
        _app.Write("shared/notes.md", "x");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(_app.Root, "shared"), (UnixFileMode)0b111_101_101);
        }

        using var host = _app.Worker(builder => builder.AddPolyphony(options => options.DataFolder = "shared"));

        var refused = await Assert.ThrowsAsync<PolyphonyException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal("data_folder_unusable", refused.Code);
    }

    private sealed class Starter(WorkflowClient client) : IHostedService
    {
        public string? Started { get; private set; }

        public OrchestrationMetadata? SeenAtTheEnd { get; private set; }

        public async Task StartAsync(CancellationToken cancellationToken) => Started = await client.StartAsync("hello", JsonElement.Parse("""{"who":"Ada"}"""), cancellationToken: cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken) => SeenAtTheEnd = await client.Durable.GetAsync(Started!, cancellationToken: cancellationToken);
    }
}
