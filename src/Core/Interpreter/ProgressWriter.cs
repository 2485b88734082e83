using System.Buffers;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Core.Interpreter;

/// <summary>
/// Writes the custom status. It is written with every step and most of its nodes are as they were, so each node's part is kept as text until that
/// node changes. What it writes is what the JSON contract gives for a <see cref="WorkflowProgress"/>.
/// </summary>
internal sealed class ProgressWriter
{
    private const int MaxTexts = 100;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    private readonly NodeProgress[] _nodes;
    private readonly Dictionary<int, byte[]> _texts = [];

    public ProgressWriter(IEnumerable<NodeProgress> nodes) => _nodes = [.. nodes];

    public IReadOnlyList<NodeProgress> Nodes => _nodes;

    /// <summary>Gets or sets how far a node is.</summary>
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
    /// <returns>JSON, or <see langword="null"/> if it would be too large.</returns>
    public string? Write(WorkflowProgress progress, IReadOnlyList<int> shown, int limit)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        var writer = _writer ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        buffer.ResetWrittenCount();
        writer.Reset(buffer);
        writer.WriteStartObject();
        writer.WriteNumber("total"u8, progress.Total);
        writer.WriteNumber("done"u8, progress.Done);
        writer.WriteStartArray("nodes"u8);
        foreach (var node in shown)
        {
            if (!_texts.TryGetValue(node, out var text))
            {
                _texts[node] = text = JsonSerializer.SerializeToUtf8Bytes(_nodes[node], CoreJsonContext.Default.NodeProgress);
            }

            writer.WriteRawValue(text, skipInputValidation: true);
        }

        writer.WriteEndArray();
        writer.WritePropertyName("waitingFor"u8);
        JsonSerializer.Serialize(writer, progress.WaitingFor, CoreJsonContext.Default.IReadOnlyListPendingWait);
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
}
