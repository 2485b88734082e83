using System.Text.Json;

namespace Polyphony.Core.Expressions;

/// <summary>A value of the workflow language: null, bool, number, text, list or map.</summary>
public readonly struct ExpressionValue
{
    /// <summary>Wraps a JSON value.</summary>
    /// <param name="json">The value.</param>
    /// <returns>The same value.</returns>
    public static ExpressionValue FromJson(JsonElement json) => throw new NotSupportedException(json.GetRawText());

    /// <summary>Makes a map of values that need not be JSON yet, such as <c>nodes</c>.</summary>
    /// <param name="members">Its members.</param>
    /// <returns>The map.</returns>
    public static ExpressionValue FromMembers(IReadOnlyDictionary<string, ExpressionValue> members) => throw new NotSupportedException($"{members.Count}");

    /// <summary>Turns the value into JSON.</summary>
    /// <returns>A self-contained element.</returns>
    public JsonElement ToJson() => throw new NotSupportedException();
}
