using System.Text;

namespace Polyphony.Core.Durable;

/// <summary>Sizes that hold on every engine, so that a workflow that runs on one runs on all.</summary>
public static class DurableLimits
{
    /// <summary>The largest payload of one history event: 48 KB of UTF-8. Larger values go to the payload store.</summary>
    public const int MaxPayloadBytes = 48 * 1024;

    /// <summary>The largest custom status: 16 KB of UTF-8, the limit of Durable Functions.</summary>
    public const int MaxCustomStatusBytes = 16 * 1024;

    /// <summary>The longest instance id, in characters.</summary>
    public const int MaxInstanceIdLength = 100;

    /// <summary>Checks the size of a payload.</summary>
    /// <param name="payload">JSON, or <see langword="null"/>.</param>
    /// <param name="what">What it is, for the message, such as <c>input of activity "search"</c>.</param>
    /// <param name="limit">The limit in bytes.</param>
    /// <exception cref="PayloadTooLargeException">It is larger than the limit.</exception>
    public static void CheckPayload(string? payload, string what, int limit = MaxPayloadBytes)
    {
        // A UTF-16 code unit makes one to three bytes, so most payloads need no count.
        if (payload is null || payload.Length * 3 <= limit)
        {
            return;
        }

        var bytes = Encoding.UTF8.GetByteCount(payload);
        if (bytes > limit)
        {
            throw new PayloadTooLargeException(what, bytes, limit);
        }
    }
}
