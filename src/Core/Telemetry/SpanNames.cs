namespace Polyphony.Core.Telemetry;

/// <summary>The names of attributes, by the semantic conventions for generative AI (semantic-conventions 1.41) where they have one.</summary>
internal static class SpanNames
{
    public const string Operation = "gen_ai.operation.name";
    public const string Workflow = "gen_ai.workflow.name";
    public const string Agent = "gen_ai.agent.name";
    public const string Provider = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string ResponseModel = "gen_ai.response.model";
    public const string ResponseId = "gen_ai.response.id";
    public const string FinishReasons = "gen_ai.response.finish_reasons";
    public const string Temperature = "gen_ai.request.temperature";
    public const string MaxTokens = "gen_ai.request.max_tokens";
    public const string InputTokens = "gen_ai.usage.input_tokens";
    public const string OutputTokens = "gen_ai.usage.output_tokens";
    public const string CachedTokens = "gen_ai.usage.cache_read.input_tokens";
    public const string ReasoningTokens = "gen_ai.usage.reasoning.output_tokens";
    public const string TokenType = "gen_ai.token.type";
    public const string InputMessages = "gen_ai.input.messages";
    public const string OutputMessages = "gen_ai.output.messages";
    public const string Tool = "gen_ai.tool.name";
    public const string ToolCallId = "gen_ai.tool.call.id";
    public const string ToolType = "gen_ai.tool.type";
    public const string ErrorType = "error.type";
    public const string ServerAddress = "server.address";
    public const string ServerPort = "server.port";

    /// <summary>The instance at the root: what <c>polyphony status</c> shows.</summary>
    public const string Instance = "polyphony.instance.id";

    public const string Node = "polyphony.node";
    public const string Activation = "polyphony.activation";
    public const string Attempt = "polyphony.attempt";

    /// <summary>The place of a model call in its activation.</summary>
    public const string Call = "polyphony.call";

    public const string StopReason = "polyphony.stop_reason";

    /// <summary>Whether the answer came from the ledger: nothing was called.</summary>
    public const string Reused = "polyphony.reused";

    /// <summary>Why the call has to wait: nothing was called.</summary>
    public const string WaitReason = "polyphony.wait.reason";

    public const string WaitUntil = "polyphony.wait.until";
    public const string Cost = "polyphony.cost";
    public const string InstanceState = "polyphony.instance.state";
    public const string Kind = "polyphony.call.kind";

    public const string Chat = "chat";
    public const string InvokeAgent = "invoke_agent";
    public const string InvokeWorkflow = "invoke_workflow";
    public const string ExecuteTool = "execute_tool";
}
