using System.Runtime.CompilerServices;
using System.Text;

namespace Polyphony.Core.Durable;

/// <summary>Limits that hold on every engine, so that a workflow that runs on one runs on all.</summary>
public static class DurableLimits
{
    /// <summary>The largest payload of one history event: 48 KB of UTF-8. Larger values go to the payload store.</summary>
    public const int MaxPayloadBytes = 48 * 1024;

    /// <summary>The largest custom status: 16 KB of UTF-8, the limit of Durable Functions.</summary>
    public const int MaxCustomStatusBytes = 16 * 1024;

    /// <summary>The longest instance id, in characters.</summary>
    public const int MaxInstanceIdLength = 100;

    /// <summary>How many levels of children an instance may have below it.</summary>
    public const int MaxDepth = 32;

    /// <summary>How many instances may be started below one that a client started, on all levels together, finished ones included.</summary>
    public const int MaxDescendants = 100_000;

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

    /// <summary>Checks the size of a payload against <see cref="MaxPayloadBytes"/>. The description is formatted only if the payload may be too large.</summary>
    /// <param name="payload">JSON, or <see langword="null"/>.</param>
    /// <param name="what">What it is, for the message.</param>
    /// <exception cref="PayloadTooLargeException">It is larger than the limit.</exception>
    public static void CheckPayload(string? payload, [InterpolatedStringHandlerArgument(nameof(payload))] ref PayloadDescription what)
    {
        if (what.IsWanted)
        {
            CheckPayload(payload, what.ToStringAndClear());
        }
    }

    /// <summary>The description of a payload, formatted only if the payload is not small.</summary>
    [InterpolatedStringHandler]
    public ref struct PayloadDescription
    {
        private DefaultInterpolatedStringHandler _text;

        /// <summary>Begins a description.</summary>
        /// <param name="literalLength">The length of its fixed parts.</param>
        /// <param name="formattedCount">How many other parts it has.</param>
        /// <param name="payload">The payload.</param>
        /// <param name="isWanted">Whether it is put together.</param>
        public PayloadDescription(int literalLength, int formattedCount, string? payload, out bool isWanted)
        {
            isWanted = IsWanted = payload?.Length * 3 > MaxPayloadBytes;
            _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        internal bool IsWanted { get; }

        /// <summary>Adds a fixed part.</summary>
        /// <param name="value">The text.</param>
        public void AppendLiteral(string value) => _text.AppendLiteral(value);

        /// <summary>Adds another part.</summary>
        /// <typeparam name="T">Its type.</typeparam>
        /// <param name="value">The value.</param>
        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        internal string ToStringAndClear() => _text.ToStringAndClear();
    }
}
