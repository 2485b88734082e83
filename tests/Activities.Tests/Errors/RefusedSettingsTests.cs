using Microsoft.Extensions.AI;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Errors;

/// <summary>What the author has set and a server does not take is not left out behind his back: the error says where it stands.</summary>
[Trait("Row", "T6")]
public sealed class RefusedSettingsTests
{
    private static readonly string Workflow = ActivityHarness.Workflow.Replace("model: fast-1", "model: fast-1, temperature: 0.2, maxOutputTokens: 9000", StringComparison.Ordinal);

    /// <summary>Status, body, and how the error begins, as servers really refuse.</summary>
    public static TheoryData<int, string, string> Refusals => new()
    {
        { 400, """{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}""", Temperature },
        { 400, """{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","type":"invalid_request_error","param":"temperature","code":"unsupported_parameter"}}""", Temperature },
        { 422, """{"detail":[{"type":"less_than_equal","loc":["body","temperature"],"msg":"Input should be less than or equal to 0.1"}]}""", Temperature },
        { 400, """{"error":{"message":"max_tokens is too large: 9000. This model supports at most 4096 completion tokens.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}""", Tokens },
        { 400, """{"error":{"message":"registry.ollama.ai/library/gemma:latest does not support tools","type":"api_error","param":null,"code":null}}""", Tools },
        { 404, """{"error":{"message":"No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs/provider-routing","code":404}}""", Tools },
        { 400, """{"object":"error","message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set","type":"BadRequestError","code":400}""", Tools },
        { 500, """{"error":{"code":500,"message":"tools param requires --jinja flag","type":"server_error"}}""", Tools },
        { 400, """{"error":{"message":"`tool calling` is not supported with this model","type":"invalid_request_error"}}""", Tools },
        { 400, """{"error":{"message":"deepseek-reasoner does not support Function Calling","type":"invalid_request_error"}}""", Tools },
        { 400, """{"error":{"message":"Unrecognized request argument supplied: tools","type":"invalid_request_error"}}""", Tools },
        { 400, """{"error":{"message":"The thing is wrong.","type":"invalid_request_error"}}""", "HTTP 400, " },
        { 500, """{"error":{"message":"The temperature of the GPU must not rise."}}""", "HTTP 500: " },
    };

    private const string Temperature = "The server does not take \"temperature\": 0.2 of model \"fast\" of the workflow: remove it there, or name a model that takes it. HTTP ";
    private const string Tokens = "The server does not take \"maxOutputTokens\": 9000 of model \"fast\" of the workflow: lower it there. HTTP ";
    private const string Tools = "The model takes no tools here, and agent \"caller\" has some (\"tools\"): give it another model, or a server that is set up for tools. HTTP ";

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Agent_SettingThatIsRefused_IsNamedAndNotLeftOut(int status, string body, string says)
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Status = status, Body = body });
        var harness = new ActivityHarness(
            new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "key-1").GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" }),
            tools => tools.Add(AIFunctionFactory.Create(() => 3, "add")),
            workflow: Workflow);

        var error = (await harness.AgentAsync(harness.Call("ask", "caller"), TestContext.Current.CancellationToken)).Error!;

        Assert.StartsWith(says, error.Message, StringComparison.Ordinal);
        Assert.Equal(says.StartsWith("HTTP 500", StringComparison.Ordinal) ? (ErrorCodes.ProviderUnavailable, ErrorKind.Transient) : (ErrorCodes.BadRequest, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.Single(server.Requests);
        Assert.Equal(0.2, server.Requests[0].Body.GetProperty("temperature").GetDouble(), 5);
    }

    [Fact]
    public void Explain_ModelOfTheSettings_SaysSo() => Assert.Contains(
        "of model \"fast\" of the host's settings",
        RefusedSettings.Explain(
            new CallError(ErrorCodes.BadRequest, "x", ErrorKind.Terminal),
            new ProviderException(new HttpFailure(400, "Unsupported parameter") { Names = ["temperature"] }),
            new ModelDefinition { Name = "fast", Provider = "openai", Temperature = 0.2 },
            isOfTheWorkflow: false,
            new AgentDefinition { Name = "a", Model = "fast" }).Message,
        StringComparison.Ordinal);
}
