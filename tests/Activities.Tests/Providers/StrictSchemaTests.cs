using System.Text.Json;
using Polyphony.Activities.Providers.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Which schemas are marked as strict. The limits are those of OpenAI's documentation of structured outputs.</summary>
[Trait("Row", "T6")]
public sealed class StrictSchemaTests
{
    [Theory]
    [InlineData("""{ "type": "string" }""", true)]
    [InlineData("""{ "type": ["string", "null"] }""", true)]
    [InlineData("""{ "type": "string", "enum": ["good", "poor"] }""", true)]
    [InlineData("""{ "type": "string", "const": "good", "description": "x", "title": "X" }""", true)]
    [InlineData("""{ "type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.1 }""", true)]
    [InlineData("""{ "type": "string", "format": "date-time" }""", true)]
    [InlineData("""{ "type": "string", "pattern": "^a" }""", true)]
    [InlineData("""{ "type": "array", "items": { "type": "integer" }, "minItems": 1 }""", true)]
    [InlineData("""{ "anyOf": [{ "type": "string" }, { "type": "null" }] }""", true)]
    [InlineData("""{ "$ref": "#" }""", true)]
    [InlineData("""{ "$ref": "#/$defs/d" }""", true)]
    [InlineData("""{ "type": "object", "properties": {}, "additionalProperties": false }""", true)]
    [InlineData("""{ }""", false)]
    [InlineData("true", false)]
    [InlineData("""{ "enum": ["good", "poor"] }""", false)]
    [InlineData("""{ "const": 1 }""", false)]
    [InlineData("""{ "description": "any" }""", false)]
    [InlineData("""{ "type": "text" }""", false)]
    [InlineData("""{ "type": [] }""", false)]
    [InlineData("""{ "type": [1] }""", false)]
    [InlineData("""{ "type": "array" }""", false)]
    [InlineData("""{ "type": "array", "items": {} }""", false)]
    [InlineData("""{ "type": ["array", "null"], "items": { "enum": [1] } }""", false)]
    [InlineData("""{ "type": "array", "items": false }""", false)]
    [InlineData("""{ "type": "array", "prefixItems": [] }""", false)]
    [InlineData("""{ "type": "string", "minLength": 1 }""", false)]
    [InlineData("""{ "type": "string", "format": "uri" }""", false)]
    [InlineData("""{ "type": "string", "default": "a" }""", false)]
    [InlineData("""{ "oneOf": [{ "type": "string" }] }""", false)]
    [InlineData("""{ "allOf": [{ "type": "string" }] }""", false)]
    [InlineData("""{ "anyOf": [] }""", false)]
    [InlineData("""{ "anyOf": [{ "type": "string" }, { "enum": [1] }] }""", false)]
    [InlineData("""{ "$ref": "#/$defs/d", "description": "x" }""", false)]
    [InlineData("""{ "$ref": "#/definitions/d" }""", false)]
    [InlineData("""{ "type": "object" }""", false)]
    [InlineData("""{ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] }""", false)]
    [InlineData("""{ "type": "object", "properties": { "a": { "type": "string" } }, "required": [], "additionalProperties": false }""", false)]
    [InlineData("""{ "type": ["object", "null"], "properties": { "a": { "type": "string" } }, "additionalProperties": false }""", false)]
    [InlineData("""{ "properties": {}, "additionalProperties": false }""", false)]
    [InlineData("""{ "type": "object", "properties": {}, "additionalProperties": { "type": "string" } }""", false)]
    public void Allows_Member_QualifiesOrNot(string member, bool expected) => Assert.Equal(expected, StrictSchema.Allows(JsonElement.Parse(
        $$"""{ "type": "object", "required": ["m"], "additionalProperties": false, "properties": { "m": {{member}} }, "$defs": { "d": { "type": "string" } } }""")));

    [Theory]
    [InlineData("""{ "anyOf": [{ "type": "object", "properties": {}, "additionalProperties": false }] }""")]
    [InlineData("""{ "type": "object", "properties": {}, "additionalProperties": false, "anyOf": [{ "type": "string" }] }""")]
    [InlineData("""{ "type": "array", "items": { "type": "string" } }""")]
    [InlineData("""{ "type": "object", "properties": {}, "additionalProperties": false, "$defs": { "d": {} } }""")]
    [InlineData("""{ "type": "object", "properties": 1, "additionalProperties": false }""")]
    [InlineData("""{ "type": "object", "properties": {}, "required": 1, "additionalProperties": false, "$schema": "x" }""")]
    public void Allows_Root_DoesNotQualify(string schema) => Assert.False(StrictSchema.Allows(JsonElement.Parse(schema)));

    [Fact]
    public void Allows_DepthAndSize_AreBounded()
    {
        Assert.True(StrictSchema.Allows(JsonElement.Parse(Nested(9))));
        Assert.False(StrictSchema.Allows(JsonElement.Parse(Nested(20))));
        Assert.False(StrictSchema.Allows(JsonElement.Parse(
            $$"""{ "type": "object", "required": ["a"], "additionalProperties": false, "properties": { "a": { "type": "integer", "enum": [{{string.Join(',', Enumerable.Range(0, 1001))}}] } } }""")));
    }

    private static string Nested(int depth) => depth == 0
        ? """{ "type": "string" }"""
        : $$"""{ "type": "object", "required": ["a"], "additionalProperties": false, "properties": { "a": {{Nested(depth - 1)}} } }""";
}
