using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Polyphony.Core.Json;

namespace Polyphony.Core.CodeFirst;

/// <summary>How C# types are written as JSON, read from it, and described by a schema: the web defaults of System.Text.Json, with the names of enumeration members.</summary>
internal static class TypedJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        MaxDepth = JsonLimits.MaxDepth,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.Strict,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private static readonly JsonSchemaExporterOptions SchemaOptions = new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Describe };

    /// <summary>Makes the schema of a type. Objects take no other members than the type has; descriptions are those of <see cref="DescriptionAttribute"/>.</summary>
    public static JsonNode SchemaOf(Type type) => Options.GetJsonSchemaAsNode(type, SchemaOptions);

    public static JsonElement Write<T>(T value) => JsonSerializer.SerializeToElement(value, Options);

    /// <summary>Reads a value.</summary>
    /// <exception cref="PolyphonyException">Code <c>value_type</c>: it does not fit the type.</exception>
    public static T Read<T>(JsonElement value, string what)
    {
        try
        {
            return value.Deserialize<T>(Options)!;
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            throw new PolyphonyException("value_type", $"The {what} does not fit the type {typeof(T).Name}: {exception.Message}", exception);
        }
    }

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode node)
    {
        if (node is not JsonObject schema)
        {
            return node;
        }

        if (schema.ContainsKey("properties") && !schema.ContainsKey("additionalProperties"))
        {
            schema["additionalProperties"] = false;
        }

        var attributes = context.PropertyInfo?.AttributeProvider ?? context.TypeInfo.Type;
        if (attributes.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true) is [DescriptionAttribute { Description: { Length: > 0 } description }, ..])
        {
            schema["description"] = description;
        }

        return schema;
    }
}
