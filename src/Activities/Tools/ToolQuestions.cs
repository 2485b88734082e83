using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Activities.Payloads;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>Makes what people are asked about tool calls.</summary>
internal sealed class ToolQuestions(PayloadValues values)
{
    private const int MaxReasonLength = 1_000;

    private static readonly JsonElement AnyAnswer = JsonElement.Parse("{}", JsonLimits.Document);
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Asks whether a call is made.</summary>
    /// <param name="call">The call.</param>
    /// <param name="tool">The tool.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="approval">Why it has to be approved.</param>
    /// <param name="problem">What was wrong with the last answer; <see langword="null"/> if there was none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ToolCallResult> ApprovalAsync(ToolCall call, ResolvedTool tool, JsonElement arguments, ToolApproval approval, string? problem, CancellationToken cancellationToken)
    {
        var question = $"{(problem is null ? "" : $"The arguments in the last answer do not fit: {problem}\n")}Call the tool \"{call.Tool}\" with {Visible(arguments)}?";
        return AskAsync(call, DetailsOf(call, arguments, ApprovalForm(tool.Function.JsonSchema)), question, new ToolQuestion
        {
            Kind = ToolQuestionKind.Approval,
            Prompt = "",
            Details = Payload.Null,
            TimeoutMs = (long?)approval.Timeout?.TotalMilliseconds,
            OnTimeout = approval.OnTimeout,
        }, cancellationToken);
    }

    /// <summary>Asks whether a call has happened.</summary>
    /// <param name="call">The call.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="entry">What the ledger knows of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ToolCallResult> DoubtAsync(ToolCall call, JsonElement arguments, LedgerEntry entry, CancellationToken cancellationToken)
    {
        var begun = entry.BegunTime.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        var question = $"Has the call of the tool \"{call.Tool}\" with {Visible(arguments)} happened? It was begun at {begun} UTC, and its end is not known. Its effect key is {call.StepId}.";
        return AskAsync(
            call, DetailsOf(call, arguments, DoubtForm()), question, new ToolQuestion { Kind = ToolQuestionKind.Doubt, Prompt = "", Details = Payload.Null, Begun = entry.Begun }, cancellationToken);
    }

    /// <summary>Asks what the call itself asks.</summary>
    /// <param name="call">The call.</param>
    /// <param name="tool">The tool.</param>
    /// <param name="question">The question.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ToolCallResult> AskAsync(ToolCall call, HumanToolDefinition tool, string question, CancellationToken cancellationToken) =>
        AskAsync(call, new ToolQuestionDetails(null, null, null, tool.Schema?.Json ?? AnyAnswer), question, new ToolQuestion
        {
            Kind = ToolQuestionKind.Ask,
            Prompt = "",
            Details = Payload.Null,
            TimeoutMs = (long?)tool.Timeout?.TotalMilliseconds,
            OnTimeout = tool.FailsOnTimeout ? ApprovalTimeoutPolicy.Fail : ApprovalTimeoutPolicy.Refuse,
        }, cancellationToken);

    /// <summary>Writes a value so that a person sees all of it: control and format characters as escapes.</summary>
    public static string Visible(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            value.WriteTo(writer);
        }

        var text = Encoding.UTF8.GetString(buffer.WrittenSpan);
        if (!text.Any(IsInvisible))
        {
            return text;
        }

        var visible = new StringBuilder(text.Length + 64);
        foreach (var character in text)
        {
            _ = IsInvisible(character) ? visible.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture)) : visible.Append(character);
        }

        return visible.ToString();
    }

    private static bool IsInvisible(char character) =>
        char.GetUnicodeCategory(character) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static ToolQuestionDetails DetailsOf(ToolCall call, JsonElement arguments, JsonElement form) => new(call.Tool, arguments, call.StepId, form);

    private async Task<ToolCallResult> AskAsync(ToolCall call, ToolQuestionDetails details, string text, ToolQuestion question, CancellationToken cancellationToken)
    {
        var root = call.Scope.RootInstanceId;
        var prompt = PendingWait.Shorten(text);
        return new ToolCallResult(null)
        {
            Question = question with
            {
                Prompt = prompt,
                Whole = prompt == text ? null : await values.StoreAsync(root, CallJson.Text(text), cancellationToken),
                Details = await values.StoreAsync(root, JsonSerializer.SerializeToElement(details, CoreJsonContext.Default.ToolQuestionDetails), cancellationToken),
            },
        };
    }

    /// <summary>Makes the schema of the answer to <see cref="ApprovalAsync"/>.</summary>
    private static JsonElement ApprovalForm(JsonElement parameters)
    {
        var form = WriteApprovalForm(parameters);

        // A schema with more than people's answers are checked against: then the arguments are checked before the call, and asked for again if they do not fit.
        return JsonSchema.TryParse(form, out _, out _) ? form : WriteApprovalForm(null);
    }

    private static JsonElement WriteApprovalForm(JsonElement? parameters) => WriteForm([ToolDecisions.Approve, ToolDecisions.Refuse], "Whether the call is made.", writer =>
    {
        writer.WritePropertyName(ToolDecisions.Arguments);
        if (parameters is { } schema)
        {
            WriteMoved(writer, schema, $"#/properties/{ToolDecisions.Arguments}");
        }
        else
        {
            writer.WriteStartObject();
            writer.WriteString("type", "object");
            writer.WriteEndObject();
        }
    });

    private static JsonElement DoubtForm() => WriteForm(
        [ToolDecisions.Happened, ToolDecisions.Repeat, ToolDecisions.Fail], "happened: go on with the result. repeat: it has not happened, make it. fail: let the node fail.", writer =>
        {
            writer.WriteStartObject(ToolDecisions.Result);
            writer.WriteString("description", "What the call returned, if it has happened.");
            writer.WriteEndObject();
        });

    private static JsonElement WriteForm(ReadOnlySpan<string> decisions, string description, Action<Utf8JsonWriter> writeMore)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            writer.WriteStartObject();
            writer.WriteString("type", "object");
            writer.WriteStartArray("required");
            writer.WriteStringValue(ToolDecisions.Decision);
            writer.WriteEndArray();
            writer.WriteBoolean("additionalProperties", false);
            writer.WriteStartObject("properties");
            writer.WriteStartObject(ToolDecisions.Decision);
            writer.WriteStartArray("enum");
            foreach (var decision in decisions)
            {
                writer.WriteStringValue(decision);
            }

            writer.WriteEndArray();
            writer.WriteString("description", description);
            writer.WriteEndObject();
            writeMore(writer);
            writer.WriteStartObject(ToolDecisions.Reason);
            writer.WriteString("type", "string");
            writer.WriteNumber("maxLength", MaxReasonLength);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    /// <summary>Writes a schema that stands in another one: its references begin there.</summary>
    private static void WriteMoved(Utf8JsonWriter writer, JsonElement schema, string place)
    {
        switch (schema.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in schema.EnumerateObject())
                {
                    if (member.Name == "$ref" && member.Value.ValueKind == JsonValueKind.String && member.Value.GetString() is ['#', ..] reference)
                    {
                        writer.WriteString(member.Name, place + reference[1..]);
                        continue;
                    }

                    writer.WritePropertyName(member.Name);
                    WriteMoved(writer, member.Value, place);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in schema.EnumerateArray())
                {
                    WriteMoved(writer, item, place);
                }

                writer.WriteEndArray();
                break;
            default:
                schema.WriteTo(writer);
                break;
        }
    }
}
