using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Activities;

/// <summary>Small JSON values that the activities make.</summary>
internal static class CallJson
{
    public static JsonElement Text(string text) => JsonSerializer.SerializeToElement(text, CoreJsonContext.Default.String);

    /// <summary>A value as a model reads it: a string as is, anything else as JSON.</summary>
    public static string ToText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        _ => value.GetRawText(),
    };
}
