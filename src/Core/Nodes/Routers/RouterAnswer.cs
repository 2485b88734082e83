using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Routers;

/// <summary>What a router's agent answers: <c>{ "next": ["billing"], "reason": "…" }</c>.</summary>
internal static class RouterAnswer
{
    /// <summary>The longest reason, in characters: the answer stands in the history.</summary>
    private const int LongestReason = 600;

    public static JsonSchema SchemaOf(RouterNode router)
    {
        var json = JsonElements.Object(writer =>
        {
            writer.WriteString("type", "object");
            writer.WriteStartObject("properties");
            writer.WriteStartObject("next");
            writer.WriteString("type", "array");
            writer.WriteString("description", Describe(router));
            writer.WriteStartObject("items");
            writer.WriteString("type", "string");
            writer.WriteStrings("enum", router.Routes.Select(route => route.Node));
            writer.WriteEndObject();
            writer.WriteNumber("minItems", router.Fallback is null ? 1 : 0);
            writer.WriteNumber("maxItems", router.AtMost);
            writer.WriteBoolean("uniqueItems", true);
            writer.WriteEndObject();
            writer.WriteStartObject("reason");
            writer.WriteString("type", "string");
            writer.WriteString("description", "Why, in a sentence.");
            writer.WriteNumber("maxLength", LongestReason);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStrings("required", ["next", "reason"]);
            writer.WriteBoolean("additionalProperties", false);
        });
        return JsonSchema.TryParse(json, out var schema, out var problems) ? schema : throw new InvalidOperationException(problems[0].Message);
    }

    /// <summary>Determines whether an answer names no node.</summary>
    public static bool IsNone(Payload answer) => answer.Json is { } json && json.GetProperty("next").GetArrayLength() == 0;

    /// <summary>Makes the answer that names one node.</summary>
    public static Payload Of(string node, string reason) => Payload.Inline(JsonElements.Object(writer =>
    {
        writer.WriteStrings("next", [node]);
        writer.WriteString("reason", reason);
    }));

    private static string Describe(RouterNode router)
    {
        var most = router.AtMost == 1 ? "one" : $"one to {router.AtMost}";
        var none = router.Fallback is null ? "" : ", or none if none fits";
        return $"What is to happen next: {most} of these{none}.\n"
            + string.Join('\n', router.Routes.Select(route => route.About is { } about ? $"- {route.Node}: {about}" : $"- {route.Node}"));
    }
}
