using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Http;
using Polyphony.Http.Instances;

namespace Polyphony.Hosting.Mcp;

/// <summary>
/// The workflows of the catalog as tools of an MCP server: a call starts an instance, waits for its end for a while, and gives its output; or its id, by which <c>get_instance</c> tells more. An
/// instance goes on whoever waits for it. Thread-safe.
/// </summary>
/// <param name="client">The workflows.</param>
/// <param name="options">The settings of the API.</param>
internal sealed class WorkflowTools(WorkflowClient client, PolyphonyHttpOptions options)
{
    /// <summary>The tool that tells of an instance. No workflow has this name: theirs have no <c>_</c>.</summary>
    public const string GetInstance = "get_instance";

    /// <summary>The member of a call's <c>_meta</c> that makes it repeatable: calls with the same key and arguments start one instance.</summary>
    public const string IdempotencyKeyMember = "polyphony/idempotency-key";

    private const int LongestKey = 200;

    private static readonly JsonElement EmptyObject = JsonElement.Parse("{}");

    private static readonly Tool GetInstanceTool = new()
    {
        Name = GetInstance,
        Description = "Tells how far an instance of a workflow is, and its output once it has finished.",
        InputSchema = JsonElement.Parse("""
            {
              "type": "object",
              "required": ["instanceId"],
              "properties": {
                "instanceId": { "type": "string", "description": "The id that the call of a workflow gave." },
                "wait": { "type": "integer", "minimum": 0, "maximum": 60, "description": "How many seconds to wait for its end; 0 by default." }
              },
              "additionalProperties": false
            }
            """, JsonLimits.Document),
        Annotations = new ToolAnnotations { ReadOnlyHint = true, IdempotentHint = true },
    };

    /// <summary>Lists the tools.</summary>
    /// <returns>One for each workflow, by name, and <see cref="GetInstance"/>.</returns>
    public ListToolsResult List() => new() { Tools = [.. client.Catalog.List().Select(Describe), GetInstanceTool] };

    /// <summary>Calls a tool.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Ends the wait; an instance that was started goes on.</param>
    /// <returns>The result; what went wrong is in it, for the model.</returns>
    /// <exception cref="McpProtocolException">There is no such tool.</exception>
    public async Task<CallToolResult> CallAsync(CallToolRequestParams call, CancellationToken cancellationToken)
    {
        var arguments = ToJson(call.Arguments);
        try
        {
            return call.Name == GetInstance ? await GetAsync(arguments, cancellationToken) : await StartAsync(call, arguments, cancellationToken);
        }
        catch (WorkflowNotFoundException exception)
        {
            throw new McpProtocolException(exception.Message, exception, McpErrorCode.InvalidParams);
        }
        catch (PolyphonyException exception)
        {
            return Failed($"{exception.Message} [{exception.Code}]");
        }
    }

    private static Tool Describe(WorkflowDefinition workflow) => new()
    {
        Name = workflow.Name,
        Description = $"{workflow.Description?.TrimEnd() ?? $"Runs the workflow {workflow.Name}."}\n\nA run that takes longer than a minute gives its instanceId: call {GetInstance} with it.",
        InputSchema = WorkflowInputSchema.Of(workflow),
    };

    private static JsonElement ToJson(IDictionary<string, JsonElement>? arguments)
    {
        if (arguments is null)
        {
            return EmptyObject;
        }

        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in arguments)
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    private async Task<CallToolResult> StartAsync(CallToolRequestParams call, JsonElement arguments, CancellationToken cancellationToken)
    {
        var workflow = client.Resolve(call.Name);
        var input = WorkflowInputSchema.IsWrapped(workflow) && arguments.TryGetProperty(WorkflowInputSchema.Input, out var inner) ? inner : arguments;
        var key = call.Meta?[IdempotencyKeyMember] is { } node
            ? node.GetValueKind() == JsonValueKind.String && node.GetValue<string>() is { Length: > 0 and <= LongestKey } text
                ? IdempotencyKey.Of(workflow.Name, text, arguments)
                : throw new PolyphonyException("invalid_parameter", $"\"{IdempotencyKeyMember}\" must be a text of 1 to {LongestKey} characters.")
            : null;
        var (id, _) = await RepeatableStart.RunAsync(client, workflow, new StartInstance { Input = input }, key, options.Admission, cancellationToken);
        return await ResultAsync(id, PolyphonyHttpOptions.MaxWait, cancellationToken);
    }

    private async Task<CallToolResult> GetAsync(JsonElement arguments, CancellationToken cancellationToken)
    {
        if (!arguments.TryGetProperty("instanceId", out var id) || id.ValueKind != JsonValueKind.String)
        {
            return Failed("\"instanceId\" is missing, or no string. Give the id that the call of a workflow gave.");
        }

        var wait = 0;
        if (arguments.TryGetProperty("wait", out var seconds) && (!seconds.TryGetInt32(out wait) || wait < 0 || wait > PolyphonyHttpOptions.MaxWait.TotalSeconds))
        {
            return Failed($"\"wait\" must be 0 to {PolyphonyHttpOptions.MaxWait.TotalSeconds:0} seconds.");
        }

        WorkflowClient.CheckInstanceId(id.GetString()!);
        return await ResultAsync(id.GetString()!, TimeSpan.FromSeconds(wait), cancellationToken);
    }

    private async Task<CallToolResult> ResultAsync(string id, TimeSpan wait, CancellationToken cancellationToken)
    {
        using (var limit = new CancellationTokenSource(wait, options.TimeProvider))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken))
        {
            try
            {
                await client.Durable.WaitForCompletionAsync(id, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // The time is up: the caller learns how far it is.
            }
        }

        var status = await client.GetAsync(id, new WorkflowStatusOptions(Input: false), cancellationToken) ?? throw new InstanceNotFoundException(id);
        return !status.IsFinished ? Running(status)
            : status.StopReason == StopReason.Completed ? Completed(status)
            : Failed($"The instance \"{id}\" ended as {status.StopReason?.ToString() ?? status.RuntimeStatus.ToString()}: {status.Error?.Message ?? "it gives no reason"}");
    }

    private static CallToolResult Completed(WorkflowStatus status)
    {
        var output = status.Output ?? JsonElement.Parse("null");
        return new CallToolResult
        {
            Content = [new TextContentBlock { Text = output.ValueKind == JsonValueKind.String ? output.GetString()! : output.GetRawText() }],
            StructuredContent = output.ValueKind == JsonValueKind.Object ? output : null,
        };
    }

    private static CallToolResult Running(WorkflowStatus status)
    {
        var state = JsonSerializer.SerializeToElement(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["instanceId"] = status.InstanceId,
                ["runtimeStatus"] = status.RuntimeStatus.ToString(),
                ["next"] = status.CustomStatus?.WaitingFor.Count > 0
                    ? $"It waits for a person or an event. Call {GetInstance} with this instanceId later."
                    : $"It has not finished yet. Call {GetInstance} with this instanceId.",
            });
        return new CallToolResult { Content = [new TextContentBlock { Text = state.GetRawText() }], StructuredContent = state };
    }

    private static CallToolResult Failed(string message) => new() { IsError = true, Content = [new TextContentBlock { Text = message }] };
}
