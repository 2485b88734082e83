using System.ComponentModel;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Polyphony.Core.Durable;
using Polyphony.TestKit.Chat;

namespace Polyphony.Hosting.Tests;

/// <summary>Agents of Microsoft Agent Framework as agents of workflows.</summary>
[Trait("Row", "R14")]
public sealed class AIAgentTests : IDisposable
{
    private const string Asks = """
        name: asks
        models: { clerk: { provider: desk } }
        agents: { writer: { model: clerk, instructions: "Be brief." } }
        nodes: { write: { agent: writer, prompt: "Where is order 17?" } }
        output: "{{ nodes.write.output }}"
        """;

    private readonly TestApp _app = new();
    private int _lookups;

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task Agent_WithToolsOfItsOwn_AnswersWithItsLastTextInOneRecordedCall()
    {
        using var model = new ScriptedChatClient(
            ScriptedAnswer.Calls(("c1", "find_order", new() { ["number"] = 17 })),
            ScriptedAnswer.Text("It is in Lisbon."));
        var ended = await RunAsync(model, Asks);

        Assert.Contains("It is in Lisbon.", ended.Output!, StringComparison.Ordinal);
        Assert.Equal(1, _lookups);

        // The agent's own instructions and tools, and the workflow's messages.
        var first = model.Requests[0];
        Assert.Equal("You know every order.", first.Options!.Instructions);
        Assert.Equal("find_order", Assert.Single(first.Options.Tools!).Name);
        Assert.Equal(["Be brief.", "Where is order 17?"], first.Messages.Select(message => message.Text));

        // One call of the workflow, with the tokens of both calls that the agent has made.
        var usage = ended.Output!;
        Assert.Contains("\"modelCalls\":1", usage, StringComparison.Ordinal);
        Assert.Contains("\"inputTokens\":20", usage, StringComparison.Ordinal);
        Assert.Contains("\"outputTokens\":10", usage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_OfAnAgentWithASchema_IsAskedForItAndItsAnswerIsChecked()
    {
        using var model = new ScriptedChatClient("""{"city":17}""", """{"city":"Lisbon"}""");
        var ended = await RunAsync(model, Asks.Replace(
            "instructions: \"Be brief.\"",
            "instructions: \"Be brief.\", output: { type: object, required: [city], properties: { city: { type: string } } }",
            StringComparison.Ordinal));

        Assert.Contains("""{"city":"Lisbon"}""", ended.Output!, StringComparison.Ordinal);
        Assert.Equal(2, model.Requests.Count);
        Assert.All(model.Requests, request => Assert.IsType<ChatResponseFormatJson>(request.Options!.ResponseFormat));
    }

    [Fact]
    public async Task Agent_ThatFailsForATime_IsTriedAgainByTheWorkflow()
    {
        using var model = new ScriptedChatClient(ScriptedAnswer.Fails(new HttpRequestException("reset")), ScriptedAnswer.Text("Here."));
        var ended = await RunAsync(model, Asks.Replace(
            "instructions: \"Be brief.\"", "instructions: \"Be brief.\", retry: { maxAttempts: 2, firstDelay: 1ms }", StringComparison.Ordinal));

        Assert.Contains("Here.", ended.Output!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("provider: desk", "provider: desk, model: gpt, temperature: 0.5, maxOutputTokens: 10", "sets \"model\", \"temperature\", \"maxOutputTokens\", which the provider \"desk\" does not accept: the AIAgent has its own. Remove it.")]
    [InlineData("instructions: \"Be brief.\"", "instructions: \"Be brief.\", tools: [list_files]", "takes no tools from a workflow; found: \"list_files\". Give the tools to the AIAgent, or use a model.")]
    public async Task Agent_AskedForWhatItCannotDo_IsRefusedBeforeItRuns(string old, string now, string expected)
    {
        using var model = new ScriptedChatClient("Never asked.");
        var ended = await RunAsync(model, Asks.Replace(old, now, StringComparison.Ordinal));

        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.RuntimeStatus);
        Assert.Contains(expected, ended.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
        Assert.Empty(model.Requests);
    }

    [Fact]
    public async Task Agent_WhoseOwnToolNeedsApproval_FailsAndSaysWhy()
    {
        using var model = new ScriptedChatClient(ScriptedAnswer.Calls(("c1", "find_order", new() { ["number"] = 17 })));
        var ended = await RunAsync(model, Asks, needsApproval: true);

        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.RuntimeStatus);
        Assert.Contains("The agent \"desk\" asks for approval of a call of one of its own tools", ended.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(0, _lookups);
    }

    private async Task<OrchestrationMetadata> RunAsync(IChatClient model, string workflow, bool needsApproval = false)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        AIFunction tool = AIFunctionFactory.Create(FindOrder, "find_order");
        _app.Write("flows/asks.yaml", workflow);
        _app.Write("files/readme.txt", "text");
        using var host = _app.Worker(builder => builder
            .AddPolyphony(options => (options.InMemory, options.FilesFolder) = (true, "files"))
            .AddWorkflows("flows")
            .AddAIAgent("desk", _ => new ChatClientAgent(
                model,
                new ChatClientAgentOptions
                {
                    Name = "Desk",
                    ChatOptions = new ChatOptions { Instructions = "You know every order.", Tools = [needsApproval ? new ApprovalRequiredAIFunction(tool) : tool] },
                })));
        await host.StartAsync(cancellationToken);
        var ended = await TestApp.RunAsync(host, "asks", "{}");
        await host.StopAsync(cancellationToken);
        return ended;
    }

    [Description("Finds an order.")]
    private string FindOrder(int number)
    {
        _lookups++;
        return $"Order {number}: Lisbon";
    }
}
