using System.Text;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Polyphony.TestToolServer;

/// <summary>The tools of the server.</summary>
internal sealed class Tools(Diary diary)
{
    private readonly TaskCompletionSource _met = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _meeting;

    public McpServerHandlers Handlers => new() { ListToolsHandler = ListAsync, CallToolHandler = CallAsync };

    private static ValueTask<ListToolsResult> ListAsync(RequestContext<ListToolsRequestParams> request, CancellationToken cancellationToken) => ValueTask.FromResult(new ListToolsResult
    {
        Tools =
        [
            Tool("add", "Adds two numbers.", """{"type":"object","required":["a","b"],"properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"additionalProperties":false}""", new ToolAnnotations { ReadOnlyHint = true, IdempotentHint = true }),
            Tool("echo", "Says it again.", """{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}"""),
            Tool("large", "Answers with much text.", """{"type":"object","properties":{"bytes":{"type":"integer"}}}"""),
            Tool("fail", "Fails.", """{"type":"object","properties":{"why":{"type":"string"}}}"""),
            Tool("wait", "Waits until the call is cancelled.", """{"type":"object"}"""),
            Tool("die", "Ends the server in the middle of the call.", """{"type":"object"}"""),
            Tool("meet", "Waits for another call of it.", """{"type":"object"}"""),
            Tool("variable", "Gives an environment variable.", """{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}"""),
            Tool("key", "Gives the effect key of the call.", """{"type":"object"}"""),
            Tool("mixed", "Answers with text and a picture.", """{"type":"object"}"""),
            Tool("bad name!", "Can't be named.", """{"type":"object"}"""),
            Tool("odd", "Has a schema that can't be checked.", """{"type":"object","properties":{"a":{"unevaluatedProperties":false,"$dynamicRef":"#x"}}}"""),
        ],
    });

    private static Tool Tool(string name, string description, string schema, ToolAnnotations? annotations = null) =>
        new() { Name = name, Description = description, InputSchema = JsonSerializer.Deserialize<JsonElement>(schema), Annotations = annotations };

    private async ValueTask<CallToolResult> CallAsync(RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        var arguments = request.Params.Arguments ?? new Dictionary<string, JsonElement>();
        diary.Write($"call {request.Params.Name}");
        switch (request.Params.Name)
        {
            case "add":
                return new CallToolResult
                {
                    Content = [new TextContentBlock { Text = "see the structure" }],
                    StructuredContent = JsonSerializer.SerializeToElement(new Dictionary<string, int> { ["sum"] = arguments["a"].GetInt32() + arguments["b"].GetInt32() }),
                };
            case "echo":
                return Text(arguments["text"].GetString()!);
            case "large":
                return Text(new string('x', arguments["bytes"].GetInt32()));
            case "fail":
                return new CallToolResult { IsError = true, Content = [new TextContentBlock { Text = $"It failed: {(arguments.TryGetValue("why", out var why) ? why.GetString() : "no reason")}." }] };
            case "wait":
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }
                finally
                {
                    diary.Write("cancelled");
                }

                return Text("never");
            case "die":
                Environment.Exit(7);
                return Text("never");
            case "meet":
                if (Interlocked.Increment(ref _meeting) == 2)
                {
                    _met.SetResult();
                }

                await _met.Task.WaitAsync(cancellationToken);
                return Text("met");
            case "variable":
                return Text(Environment.GetEnvironmentVariable(arguments["name"].GetString()!) ?? "(not set)");
            case "key":
                return Text(request.Params.Meta?["polyphony/effectKey"]?.GetValue<string>() ?? "(none)");
            case "mixed":
                return new CallToolResult
                {
                    Content = [new TextContentBlock { Text = "a picture" }, ImageContentBlock.FromBytes(Encoding.UTF8.GetBytes("PNG"), "image/png")],
                };
            default:
                throw new McpProtocolException($"There is no tool \"{request.Params.Name}\".", McpErrorCode.InvalidParams);
        }
    }

    private static CallToolResult Text(string text) => new() { Content = [new TextContentBlock { Text = text }] };
}
