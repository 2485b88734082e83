using System.Buffers;
using System.Text;
using System.Text.Json;
using ModelContextProtocol.Protocol;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>
/// Makes JSON of what a server answers: its structured content if there is some; texts alone as one string; otherwise an array of what there is. Images and sounds are named, with their type and size,
/// and left out.
/// </summary>
internal static class ServerResult
{
    private const int LongestError = 1_900;

    /// <summary>Makes the result of a call.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="result">The answer.</param>
    /// <param name="maxBytes">The most bytes of the result.</param>
    /// <returns>The result.</returns>
    /// <exception cref="EffectUnknownException">The server says that the call has failed; or the result can't be taken.</exception>
    public static JsonElement ToJson(string tool, CallToolResult result, int maxBytes)
    {
        if (result.IsError == true)
        {
            var text = string.Join('\n', result.Content.OfType<TextContentBlock>().Select(block => block.Text));
            throw Failed(text.Length > 0 ? ErrorText.Shorten(text, LongestError) : $"The tool \"{tool}\" failed and did not say why.");
        }

        var json = result.StructuredContent is { ValueKind: not JsonValueKind.Undefined } structured ? structured : OfContent(result.Content);
        var bytes = Encoding.UTF8.GetByteCount(json.GetRawText());
        if (bytes > maxBytes)
        {
            throw Failed($"The result of the tool \"{tool}\" has {bytes:N0} bytes; {maxBytes:N0} are the limit (\"maxBytes\" of the server). Ask for less.");
        }

        return StrictJson.FindProblem(json) is { } problem ? throw Failed($"The result of the tool \"{tool}\" cannot be taken: {problem}.") : json;
    }

    // The server has done something; how much of it, nobody knows.
    private static EffectUnknownException Failed(string message) => new(new CallError(ErrorCodes.ToolFailed, message, ErrorKind.Terminal), isLost: false);

    private static JsonElement OfContent(IList<ContentBlock> content)
    {
        if (content.Count == 0)
        {
            return Payload.Null.Json!.Value;
        }

        if (content.All(block => block is TextContentBlock))
        {
            return CallJson.Text(string.Join('\n', content.Cast<TextContentBlock>().Select(block => block.Text)));
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var block in content)
            {
                Write(writer, block);
            }

            writer.WriteEndArray();
        }

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    private static void Write(Utf8JsonWriter writer, ContentBlock block)
    {
        writer.WriteStartObject();
        writer.WriteString("type", block.Type);
        switch (block)
        {
            case TextContentBlock text:
                writer.WriteString("text", text.Text);
                break;
            case ImageContentBlock image:
                LeftOut(writer, image.MimeType, image.DecodedData.Length);
                break;
            case AudioContentBlock audio:
                LeftOut(writer, audio.MimeType, audio.DecodedData.Length);
                break;
            case ResourceLinkBlock link:
                writer.WriteString("uri", link.Uri);
                writer.WriteString("name", link.Name);
                writer.WriteString("mimeType", link.MimeType);
                break;
            case EmbeddedResourceBlock { Resource: TextResourceContents text }:
                writer.WriteString("uri", text.Uri);
                writer.WriteString("mimeType", text.MimeType);
                writer.WriteString("text", text.Text);
                break;
            case EmbeddedResourceBlock { Resource: BlobResourceContents blob }:
                writer.WriteString("uri", blob.Uri);
                LeftOut(writer, blob.MimeType, blob.DecodedData.Length);
                break;
        }

        writer.WriteEndObject();
    }

    private static void LeftOut(Utf8JsonWriter writer, string? type, int bytes)
    {
        writer.WriteString("mimeType", type);
        writer.WriteNumber("bytes", bytes);
        writer.WriteBoolean("leftOut", true);
    }
}
