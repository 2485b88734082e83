using System.Buffers;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;

namespace Polyphony.Hosting.Mcp;

/// <summary>The schema of a workflow's input as that of a tool, whose arguments are an object always.</summary>
internal static class WorkflowInputSchema
{
    /// <summary>The member that holds an input that is no object.</summary>
    public const string Input = "input";

    private static readonly JsonElement Nothing = JsonElement.Parse("""{ "type": "object", "properties": {}, "additionalProperties": false }""", JsonLimits.Document);
    private static readonly JsonElement Anything = JsonElement.Parse("""{ "type": "object" }""", JsonLimits.Document);

    /// <summary>Tells whether the input stands in a member of the arguments, because it is no object.</summary>
    /// <param name="workflow">The workflow.</param>
    public static bool IsWrapped(WorkflowDefinition workflow) =>
        workflow.Input?.Json is { ValueKind: JsonValueKind.Object } schema && schema.TryGetProperty("type", out var type)
        && !(type.ValueKind == JsonValueKind.String ? type.ValueEquals("object") : type.EnumerateArray().Any(each => each.ValueEquals("object")));

    /// <summary>Makes the schema.</summary>
    /// <param name="workflow">The workflow.</param>
    public static JsonElement Of(WorkflowDefinition workflow)
    {
        if (workflow.Input?.Json is not { ValueKind: JsonValueKind.Object } schema)
        {
            return workflow.TakesInput ? Anything : Nothing;
        }

        var isWrapped = IsWrapped(workflow);
        if (!isWrapped && schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String)
        {
            return schema;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", "object");
            if (isWrapped)
            {
                writer.WriteStartObject("properties");
                writer.WritePropertyName(Input);

                // A reference would point elsewhere from here; the input is checked at the start in any case.
                (schema.GetRawText().Contains("\"$ref\"", StringComparison.Ordinal) ? JsonElement.Parse("{}") : schema).WriteTo(writer);
                writer.WriteEndObject();
                writer.WriteStartArray("required");
                writer.WriteStringValue(Input);
                writer.WriteEndArray();
            }
            else
            {
                foreach (var member in schema.EnumerateObject().Where(member => member.Name != "type"))
                {
                    member.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }
}
