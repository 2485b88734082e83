using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Core.Client;

/// <summary>Reads the parts of a status one by one, so that one that can't be read or shown takes neither the others nor a list of instances with it.</summary>
internal sealed class StatusParts
{
    private readonly List<UnreadablePart> _unreadable = [];

    public IReadOnlyList<UnreadablePart> Unreadable => _unreadable;

    /// <summary>Reads a part; <see langword="null"/> if that fails.</summary>
    public T? Read<T>(string part, Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            Add(part, exception);
            return default;
        }
    }

    /// <summary>Reads a part that may be in the payload store; <see langword="null"/> if that fails, or if what is there can't be shown.</summary>
    public async Task<JsonElement?> ReadAsync(string part, Func<Task<JsonElement>> read)
    {
        try
        {
            var value = await read();
            if (StrictJson.FindProblem(value, JsonLimits.MaxDepth - Surroundings) is not { } problem)
            {
                return value;
            }

            _unreadable.Add(new UnreadablePart(part, Code, $"The value cannot be shown: {problem}."));
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            Add(part, exception);
        }

        return null;
    }

    private const string Code = "unreadable";

    // What stands around a value in a document: lists, statuses, outcomes.
    private const int Surroundings = 16;

    // Not a store that is stopped or can't be reached: that is no property of this instance.
    private static bool IsUnreadable(Exception exception) =>
        exception is JsonException or InvalidOperationException or NotSupportedException or FormatException or Payloads.PayloadNotFoundException;

    private void Add(string part, Exception exception) => _unreadable.Add(exception is PolyphonyException known
        ? new UnreadablePart(part, known.Code, known.Message)
        : new UnreadablePart(part, Code, $"What is stored cannot be read: {exception.Message}"));
}
