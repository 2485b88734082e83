using System.ClientModel.Primitives;
using System.IO.Compression;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>Reads the body of a response up to a limit, and unpacks it if the server has compressed it, which it was not asked to.</summary>
internal static class ResponseBody
{
    /// <summary>The longest answer that is taken: 32 MB. More is no answer of a model, and must not take the memory of the host.</summary>
    public const int MaxAnswerBytes = 32 * 1024 * 1024;

    // Of an error, its beginning says what there is to say.
    private const int MaxErrorBytes = 256 * 1024;

    private const int MostEncodings = 3;
    private const string GZip = "gzip";

    /// <summary>Reads a body.</summary>
    /// <param name="response">The response; its stream is closed.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>The bytes; of an error no more than its beginning.</returns>
    /// <exception cref="ModelException">It is an answer, and too large or packed in an unknown way.</exception>
    public static async Task<byte[]> ReadAsync(PipelineResponse response, CancellationToken cancellationToken)
    {
        if (response.ContentStream is not { } content)
        {
            return [];
        }

        // A stream in memory would be read once more, closed, when the response is disposed.
        response.ContentStream = null;
        byte[] body;

        // Closes the connection if not all was read.
        await using (content)
        {
            body = await ReadAsync(content, response.IsError, cancellationToken);
        }

        foreach (var encoding in Encodings(response, body))
        {
            var packed = new MemoryStream(body, writable: false);
            if (Unpacker(encoding, packed) is not { } stream)
            {
                return response.IsError ? [] : throw AnswerNormalizer.Unreadable($"it is packed as \"{JsonReading.OneLine(encoding)}\", which was not requested");
            }

            await using (stream)
            {
                body = await ReadAsync(stream, response.IsError, cancellationToken);
            }
        }

        return body;
    }

    // As the headers say, the last first, or by the first bytes.
    private static IEnumerable<string> Encodings(PipelineResponse response, byte[] body)
    {
        var named = response.Headers.TryGetValue("Content-Encoding", out var value) && value is not null
            ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(name => name.ToLowerInvariant()).Where(name => name != "identity").Reverse().Take(MostEncodings).ToArray()
            : [];
        return named.Length > 0 || body is not [0x1F, 0x8B, 8, ..] ? named : [GZip];
    }

    private static Stream? Unpacker(string encoding, MemoryStream packed) => encoding switch
    {
        GZip or "x-gzip" => First(packed) == 0x1F ? new GZipStream(packed, CompressionMode.Decompress) : packed,
        "br" => new BrotliStream(packed, CompressionMode.Decompress),
        "deflate" => First(packed) == 0x78 ? new ZLibStream(packed, CompressionMode.Decompress) : new DeflateStream(packed, CompressionMode.Decompress),
        _ => null,
    };

    // Some name a packing and send the text as it is.
    private static int First(MemoryStream packed)
    {
        var first = packed.ReadByte();
        packed.Position = 0;
        return first;
    }

    private static async Task<byte[]> ReadAsync(Stream stream, bool isError, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var buffer = new byte[64 * 1024];
        var limit = isError ? MaxErrorBytes : MaxAnswerBytes;
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                body.Write(buffer, 0, (int)Math.Min(read, limit - body.Length));
                if (body.Length < limit)
                {
                    continue;
                }

                return isError
                    ? body.ToArray()
                    : throw new ModelException(new CallError(
                        ErrorCodes.AnswerTooLarge,
                        $"The provider's answer is larger than {MaxAnswerBytes / (1024 * 1024)} MB and was not read further. Look at what answers at this endpoint; a model's answer is bounded by \"maxOutputTokens\".",
                        ErrorKind.Terminal));
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            // Damaged, or not packed at all. Of an error, what there is of it says more than nothing.
            return isError ? body.ToArray() : throw AnswerNormalizer.Unreadable("it can't be unpacked", exception);
        }
        catch (IOException) when (isError && !cancellationToken.IsCancellationRequested)
        {
            // The connection broke; the status and what came with it say more than that.
        }

        return body.ToArray();
    }
}
