using System.Buffers;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Core.Runs;

/// <summary>
/// Writes the custom status. It is written with every step and most of its nodes are as they were, so each node's part is kept as text until that
/// node changes. By the JSON contract it reads as the <see cref="WorkflowProgress"/> that was written; members with their default value are left out,
/// because the status is the largest part of a step's row.
/// </summary>
internal sealed class ProgressWriter
{
    private const int MaxTexts = 100;

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? _whole;

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? _node;

    private readonly NodeProgress[] _nodes;
    private readonly Dictionary<int, byte[]> _texts = [];

    public ProgressWriter(IEnumerable<NodeProgress> nodes) => _nodes = [.. nodes];

    public IReadOnlyList<NodeProgress> Nodes => _nodes;

    /// <summary>Gets or sets a node's progress.</summary>
    public NodeProgress this[int node]
    {
        get => _nodes[node];
        set
        {
            _nodes[node] = value;
            _texts.Remove(node);
        }
    }

    /// <summary>Writes a status.</summary>
    /// <param name="progress">All but the nodes.</param>
    /// <param name="shown">The nodes to show, in order.</param>
    /// <param name="limit">The most bytes it may take.</param>
    /// <param name="withMessages">Whether to write what providers said, and which children are at work.</param>
    /// <returns>JSON, or <see langword="null"/> if it would be too large.</returns>
    public string? Write(WorkflowProgress progress, IReadOnlyList<int> shown, int limit, bool withMessages = true)
    {
        var (buffer, writer) = Begin(ref _whole);
        writer.WriteStartObject();
        writer.WriteNumber("total"u8, progress.Total);
        writer.WriteNumber("done"u8, progress.Done);
        writer.WriteStartArray("nodes"u8);
        foreach (var node in shown)
        {
            writer.WriteRawValue(TextOf(node, withMessages), skipInputValidation: true);
        }

        writer.WriteEndArray();
        if (progress.WaitingFor.Count > 0)
        {
            writer.WritePropertyName("waitingFor"u8);
            JsonSerializer.Serialize(writer, progress.WaitingFor, CoreJsonContext.Default.IReadOnlyListPendingWait);
        }

        if (progress.MoreWaiting != 0)
        {
            writer.WriteNumber("moreWaiting"u8, progress.MoreWaiting);
        }

        if (progress.State is { } state)
        {
            writer.WritePropertyName("state"u8);
            JsonSerializer.Serialize(writer, state, CoreJsonContext.Default.IReadOnlyDictionaryStringIReadOnlyListPayload);
        }

        writer.WritePropertyName("usage"u8);
        JsonSerializer.Serialize(writer, progress.Usage, CoreJsonContext.Default.Usage);
        if (progress.Result is { } result)
        {
            writer.WritePropertyName("result"u8);
            JsonSerializer.Serialize(writer, result, CoreJsonContext.Default.WorkflowResult);
        }

        if (progress.Failures != 0)
        {
            writer.WriteNumber("failures"u8, progress.Failures);
        }

        writer.WriteEndObject();
        writer.Flush();
        if (_texts.Count > MaxTexts)
        {
            // Those of nodes that are shown no more.
            _texts.Clear();
        }

        return buffer.WrittenCount <= limit ? Encoding.UTF8.GetString(buffer.WrittenSpan) : null;
    }

    private byte[] TextOf(int node, bool withMessage)
    {
        if (!withMessage && _nodes[node] is { WaitMessage: not null } or { Parts: not null })
        {
            return Write(_nodes[node] with { WaitMessage = null, Parts = null });
        }

        if (!_texts.TryGetValue(node, out var text))
        {
            _texts[node] = text = Write(_nodes[node]);
        }

        return text;
    }

    /// <summary>
    /// Writes a status where long prompts, and names in scripts of several bytes a letter, leave no room for all of it: the result comes first, then what it waits for.
    /// </summary>
    /// <param name="progress">The status; its nodes are written as far as there are some in it.</param>
    /// <param name="limit">The most bytes it may take.</param>
    /// <returns>JSON.</returns>
    public static string WriteShort(WorkflowProgress progress, int limit)
    {
        foreach (var (waits, length) in (ReadOnlySpan<(int, int)>)[(PendingWait.MostShown, 500), (8, 500), (8, 100), (2, 100), (1, 40)])
        {
            var shown = progress with { WaitingFor = Shorten(progress.WaitingFor, waits, length), MoreWaiting = progress.MoreWaiting + Math.Max(0, progress.WaitingFor.Count - waits) };
            var json = JsonSerializer.Serialize(shown, CoreJsonContext.Default.WorkflowProgress);
            if (json.Length * 3 <= limit || Encoding.UTF8.GetByteCount(json) <= limit)
            {
                return json;
            }
        }

        // An output in place and a message can take that much when every letter is an escape.
        var error = progress.Result?.Error;
        var least = progress with
        {
            Nodes = [],
            WaitingFor = [],
            MoreWaiting = progress.MoreWaiting + progress.WaitingFor.Count,
            Result = progress.Result is null ? null : progress.Result with { State = null, Error = error is null ? null : error with { Message = ErrorText.Shorten(error.Message, 300) } },
        };
        return JsonSerializer.Serialize(least, CoreJsonContext.Default.WorkflowProgress);
    }

    private static IReadOnlyList<PendingWait> Shorten(IReadOnlyList<PendingWait> waits, int count, int length) =>
        [.. waits.Take(count).Select(wait => wait with { Prompt = wait.Prompt is null ? null : PendingWait.Shorten(wait.Prompt, length) })];

    private static byte[] Write(NodeProgress node)
    {
        var (buffer, writer) = Begin(ref _node);
        writer.WriteStartObject();
        writer.WriteString("node"u8, node.Node);
        writer.WriteString("status"u8, node.Status);
        Write(writer, "round"u8, node.Round == 1 ? null : node.Round);
        Write(writer, "items"u8, node.Items);
        Write(writer, "itemsDone"u8, node.ItemsDone);
        Write(writer, "itemsFailed"u8, node.ItemsFailed);
        Write(writer, "attempts"u8, node.Attempts == 0 ? null : node.Attempts);
        Write(writer, "tokens"u8, node.Tokens == 0 ? null : node.Tokens);
        if (node.CostUsd != 0)
        {
            writer.WriteNumber("costUsd"u8, node.CostUsd);
        }

        Write(writer, "unpricedCalls"u8, node.UnpricedCalls == 0 ? null : node.UnpricedCalls);
        Write(writer, "estimatedCalls"u8, node.EstimatedCalls == 0 ? null : node.EstimatedCalls);
        Write(writer, "replacedCalls"u8, node.ReplacedCalls == 0 ? null : node.ReplacedCalls);
        Write(writer, "finishReason"u8, node.FinishReason);
        Write(writer, "provider"u8, node.Provider);
        Write(writer, "startedTime"u8, node.StartedTime);
        Write(writer, "endedTime"u8, node.EndedTime);
        Write(writer, "error"u8, node.Error);
        Write(writer, "waitingUntil"u8, node.WaitingUntil);
        Write(writer, "waitReason"u8, node.WaitReason);
        Write(writer, "waitMessage"u8, node.WaitMessage);
        if (node.Parts is { } parts)
        {
            writer.WriteStartArray("parts"u8);
            foreach (var part in parts)
            {
                writer.WriteStringValue(part);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer) Begin(ref (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? kept)
    {
        if (kept is not { } made)
        {
            var buffer = new ArrayBufferWriter<byte>(1024);
            kept = made = (buffer, new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }));
        }

        made.Buffer.ResetWrittenCount();
        made.Writer.Reset(made.Buffer);
        return made;
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, DateTimeOffset? value)
    {
        if (value is { } time)
        {
            writer.WriteString(name, time.UtcDateTime);
        }
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
