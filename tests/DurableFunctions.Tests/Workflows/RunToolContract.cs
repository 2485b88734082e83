using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.TestKit.Chat;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>Tools whose calls the run makes, on Durable Task: another workflow as a child, and a question to a person.</summary>
[Trait("Row", "O12")]
[Trait("Row", "O8")]
public abstract class RunToolContract
{
    private protected abstract Task<WorkflowHost> StartAsync(IModelProvider models);

    [Fact]
    public async Task Calls_OfOneAnswer_RunAWorkflowAndAskAPerson_AcrossACrash()
    {
        await using var host = await StartAsync(new Models());
        host.Add("""
            name: double
            input: { type: object, required: [n], properties: { n: { type: integer } } }
            models: { m: { provider: offline } }
            agents: { adder: { model: m, context: [] } }
            nodes: { add: { agent: adder, prompt: "add" } }
            output: "{{ input.n * 2 }}"
            """);
        var id = await host.StartAsync(
            """
            name: clerk
            models: { m: { provider: offline } }
            tools:
              twice: { workflow: double }
              ask: { parameters: { type: object, properties: { about: { type: string } } }, human: { prompt: "Really {{ args.about }}?", schema: { type: boolean } } }
            agents: { clerk: { model: m, context: [], tools: [twice, ask] } }
            nodes: { work: { agent: clerk, prompt: go } }
            """,
            "{}");
        var wait = Assert.Single((await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1)).CustomStatus!.WaitingFor);
        Assert.Equal(("work.ask.1.1", "Really go?"), (wait.Activation, wait.Prompt));
        await host.CrashAsync();

        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("true"), TestContext.Current.CancellationToken);
        var ended = await host.WaitAsync(id);

        // Two calls of the clerk and one of the adder.
        Assert.Equal(("42|true", 3), (ended.Output!.Value.GetString(), ended.Usage!.ModelCalls));
        Assert.Equal(id, (await host.Client.GetAsync($"{id}:work.twice.1.0", null, TestContext.Current.CancellationToken))!.ParentInstanceId);
    }

    /// <summary>Calls both tools, and says what came of them.</summary>
    private sealed class Models : IModelProvider
    {
        public ScriptedChatClient Clerk { get; } = new(request =>
        {
            var results = request.Messages.Where(message => message.Role == ChatRole.Tool).Select(message => ((FunctionResultContent)message.Contents[0]).Result!.ToString()).ToList();
            return request.Options?.Tools is not { Count: > 0 } ? "added"
                : results.Count > 0 ? string.Join('|', results)
                : ScriptedAnswer.Calls(("c0", "twice", new() { ["n"] = 21 }), ("c1", "ask", new() { ["about"] = "go" }));
        });

        public string Name => "offline";

        public IChatClient GetClient(ModelDefinition definition) => Clerk;
    }
}

public sealed class RunToolTests : RunToolContract
{
    private protected override Task<WorkflowHost> StartAsync(IModelProvider models) => WorkflowHost.InMemoryAsync(null, models);
}

public sealed class RunToolStorageTests : RunToolContract
{
    private protected override Task<WorkflowHost> StartAsync(IModelProvider models) => WorkflowHost.OnAzureStorageAsync(null, models);
}
