using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Agents;

/// <summary>
/// Reads what a node attaches to its prompt: images, documents and sounds, each <c>{ "mediaType": …, "data": BASE64, "name": … }</c> or a <c>data:</c> URI (RFC 2397), one or an array of them. They are
/// values like any other, so they lie in the payload store and never in the history; here they become parts of the message.
/// </summary>
internal static class Attachments
{
    /// <summary>How many may be attached to a prompt.</summary>
    public const int Most = 20;

    /// <summary>How many bytes they may have together.</summary>
    public const int MostBytes = 20 * 1024 * 1024;

    /// <summary>Gets the media types that chat completions have parts for, by the extensions of files. Others would be left out by the library without a word.</summary>
    public static IReadOnlyDictionary<string, string> Extensions { get; } = new OrderedDictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        [".png"] = "image/png",
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".webp"] = "image/webp",
        [".gif"] = "image/gif",
        [".pdf"] = "application/pdf",
        [".wav"] = "audio/wav",
        [".mp3"] = "audio/mpeg",
    };

    private static readonly string[] MediaTypes = [.. Extensions.Values.Distinct(StringComparer.Ordinal)];

    /// <summary>Reads the attachments of a node.</summary>
    /// <param name="value">The value of its <c>attach</c>. What is null is left out.</param>
    /// <param name="node">The node.</param>
    /// <exception cref="ModelException">Something in it is no attachment (<c>attachment_invalid</c>).</exception>
    public static IReadOnlyList<DataContent> Read(JsonElement value, string node)
    {
        var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        var read = new List<DataContent>();
        long bytes = 0;
        for (var i = 0; i < items.Length; i++)
        {
            if (items[i].ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            var attachment = ReadOne(items[i], value.ValueKind == JsonValueKind.Array ? $"attachment {i} of node \"{node}\"" : $"the attachment of node \"{node}\"");
            bytes += attachment.Data.Length;
            read.Add(attachment);
        }

        return read.Count > Most ? throw Invalid($"Node \"{node}\" attaches {read.Count:N0} files; at most {Most} are sent with a prompt.")
            : bytes > MostBytes ? throw Invalid($"What node \"{node}\" attaches has {bytes:N0} bytes; at most {MostBytes:N0} are sent with a prompt.")
            : read;
    }

    /// <summary>Refuses a request whose attachments its model does not take, before it is sent.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="who">Who takes none, such as <c>The offline model</c>.</param>
    /// <param name="hint">What to do.</param>
    /// <exception cref="ModelException">There are attachments.</exception>
    public static void Refuse(IEnumerable<ChatMessage> messages, string who, string hint)
    {
        if (messages.SelectMany(message => message.Contents).OfType<DataContent>().FirstOrDefault() is { } attachment)
        {
            throw new ModelException(new CallError(
                ErrorCodes.BadRequest, $"{who} takes text alone, and a file of type {attachment.MediaType} is attached. {hint}", ErrorKind.Terminal));
        }
    }

    private static DataContent ReadOne(JsonElement json, string what)
    {
        var (mediaType, data, name) = json switch
        {
            { ValueKind: JsonValueKind.String } => FromUri(json.GetString()!, what),
            { ValueKind: JsonValueKind.Object } => (Member(json, "mediaType", what), Member(json, "data", what), json.TryGetProperty("name", out var given) && given.ValueKind == JsonValueKind.String ? given.GetString() : null),
            _ => throw Invalid($"{Sentence(what)} must be an object with \"mediaType\" and \"data\", or a data: URI; found {Kind(json)}."),
        };
        if (!MediaTypes.Contains(mediaType, StringComparer.OrdinalIgnoreCase))
        {
            throw Invalid($"{Sentence(what)} has the media type \"{Shorten(mediaType)}\". Models take {string.Join(", ", MediaTypes)}.");
        }

        try
        {
            var bytes = Convert.FromBase64String(data);
            return bytes.Length == 0 ? throw Invalid($"{Sentence(what)} is empty.") : new DataContent(bytes, mediaType.ToLowerInvariant()) { Name = name };
        }
        catch (FormatException)
        {
            throw Invalid($"The data of {what} is not base64: \"{Shorten(data)}\".");
        }
    }

    private static (string MediaType, string Data, string? Name) FromUri(string uri, string what) =>
        uri.StartsWith("data:", StringComparison.OrdinalIgnoreCase) && uri.IndexOf(";base64,", StringComparison.OrdinalIgnoreCase) is > 5 and var at
            ? (uri[5..at].Split(';')[0], uri[(at + 8)..], null)
            : throw Invalid($"{Sentence(what)} must be a URI that begins with data:MEDIA/TYPE;base64, found \"{Shorten(uri)}\". Files elsewhere are not fetched.");

    private static string Member(JsonElement json, string name, string what) =>
        json.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString()! : throw Invalid($"{Sentence(what)} needs a \"{name}\", a string.");

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Array => "an array in the array",
        _ => "nothing",
    };

    private static string Sentence(string what) => char.ToUpperInvariant(what[0]) + what[1..];

    private static string Shorten(string text) => text.Length > 60 ? text[..60] + "…" : text;

    private static ModelException Invalid(string message) => new(new CallError(ErrorCodes.AttachmentInvalid, message, ErrorKind.Terminal));
}
