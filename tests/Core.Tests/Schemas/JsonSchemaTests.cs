using System.Text.Json;
using Polyphony.Core.Schemas;

namespace Polyphony.Core.Tests.Schemas;

[Trait("Row", "O13")]
public sealed class JsonSchemaTests
{
    /// <summary>Valid and invalid values as the specification has it (draft 2020-12), with the exact message where it is invalid.</summary>
    [Theory]
    [Trait("Row", "O13")]
    [InlineData("true", "1", "")]
    [InlineData("false", "1", "Expected nothing here, found integer 1.")]
    [InlineData("{}", "null", "")]
    [InlineData("""{"type":"integer"}""", "1.0", "")]
    [InlineData("""{"type":"integer"}""", "1e2", "")]
    [InlineData("""{"type":"integer"}""", "123456789012345678901234567890", "")]
    [InlineData("""{"type":"integer"}""", "1.5", "Expected integer, found number 1.5.")]
    [InlineData("""{"type":"integer"}""", "\"abc\"", "Expected integer, found string \"abc\".")]
    [InlineData("""{"type":"number"}""", "1", "")]
    [InlineData("""{"type":"number"}""", "true", "Expected number, found boolean true.")]
    [InlineData("""{"type":["string","null"]}""", "null", "")]
    [InlineData("""{"type":["string","null","integer"]}""", "[]", "Expected null, integer or string, found an empty array.")]
    [InlineData("""{"type":["integer","number"]}""", "{}", "Expected number, found an empty object.")]
    [InlineData("""{"type":"object"}""", "[1,2]", "Expected object, found an array of 2 items.")]
    [InlineData("""{"type":"array"}""", """{"a":1}""", "Expected array, found an object of 1 member.")]
    [InlineData("""{"type":"boolean"}""", "null", "Expected boolean, found null.")]
    [InlineData("""{"enum":["low","high",3]}""", "3.0", "")]
    [InlineData("""{"enum":["low","high",3]}""", "\"hihg\"", "Expected \"low\", \"high\" or 3, found string \"hihg\". Did you mean \"high\"?")]
    [InlineData("""{"const":{"a":[1]}}""", """{"a":[1.0]}""", "")]
    [InlineData("""{"const":null}""", "0", "Expected null, found integer 0.")]
    [InlineData("""{"minimum":0.1}""", "0.1", "")]
    [InlineData("""{"minimum":0.1}""", "0.09999999999999999999", "Expected 0.1 or more, found 0.09999999999999999999.")]
    [InlineData("""{"maximum":10}""", "10.0", "")]
    [InlineData("""{"maximum":10}""", "1e1000000000", "Expected 10 or less, found 1e1000000000.")]
    [InlineData("""{"maximum":10}""", "-1e1000000000", "")]
    [InlineData("""{"exclusiveMinimum":-1}""", "-1.00", "Expected more than -1, found -1.00.")]
    [InlineData("""{"exclusiveMinimum":-1}""", "-0.5", "")]
    [InlineData("""{"exclusiveMaximum":9007199254740993}""", "9007199254740992", "")]
    [InlineData("""{"exclusiveMaximum":9007199254740993}""", "9007199254740993", "Expected less than 9007199254740993, found 9007199254740993.")]
    [InlineData("""{"multipleOf":0.01}""", "0.07", "")]
    [InlineData("""{"multipleOf":0.01}""", "19.99", "")]
    [InlineData("""{"multipleOf":0.01}""", "0.075", "Expected a multiple of 0.01, found 0.075.")]
    [InlineData("""{"multipleOf":3}""", "-9", "")]
    [InlineData("""{"multipleOf":3}""", "0", "")]
    [InlineData("""{"multipleOf":3}""", "\"x\"", "")]
    [InlineData("""{"minLength":2}""", "\"😀\"", "Expected at least 2 characters, found 1.")]
    [InlineData("""{"maxLength":1}""", "\"😀\"", "")]
    [InlineData("""{"maxLength":1}""", "\"ab\"", "Expected at most 1 character, found 2.")]
    [InlineData("""{"pattern":"^a+$"}""", "\"aaa\"", "")]
    [InlineData("""{"pattern":"^a+$"}""", "\"aaa\\n\"", "Expected a string that matches \"^a+$\", found string \"aaa\\n\".")]
    [InlineData("""{"pattern":"b"}""", "\"abc\"", "")]
    [InlineData("""{"minItems":1}""", "[]", "Expected at least 1 item, found 0.")]
    [InlineData("""{"maxItems":1}""", "[1,2]", "Expected at most 1 item, found 2.")]
    [InlineData("""{"uniqueItems":true}""", "[1,\"1\",true,[1],{\"a\":1}]", "")]
    [InlineData("""{"uniqueItems":true}""", "[1,2,1.0]", "Expected items that differ, found 1.0 as items 0 and 2.")]
    [InlineData("""{"uniqueItems":true}""", """[{"a":1,"b":2},{"b":2.0,"a":1}]""", "Expected items that differ, found {\"b\":2.0,\"a\":1} as items 0 and 1.")]
    [InlineData("""{"items":{"type":"integer"}}""", "[1,\"a\",2,null]", "/1: Expected integer, found string \"a\".|/3: Expected integer, found null.")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}""", "[\"a\",1,2]", "")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":false}""", "[\"a\",1]", "/1: Expected nothing here, found integer 1.")]
    [InlineData("""{"prefixItems":[{"type":"string"}]}""", "[1,2]", "/0: Expected string, found integer 1.")]
    [InlineData("""{"properties":{"a":{"type":"integer"}}}""", """{"a":"x","b":1}""", "/a: Expected integer, found string \"x\".")]
    [InlineData("""{"properties":{"a":true}}""", "[]", "")]
    [InlineData("""{"required":["a","b"]}""", """{"b":1}""", "The required member \"a\" is missing.")]
    [InlineData("""{"properties":{"name":true},"additionalProperties":false}""", """{"nmae":1}""", "/nmae: There is no member \"nmae\". Did you mean \"name\"?")]
    [InlineData("""{"additionalProperties":{"type":"integer"}}""", """{"a/b":"x"}""", "/a~1b: Expected integer, found string \"x\".")]
    [InlineData("""{"minProperties":1,"maxProperties":2}""", "{}", "Expected at least 1 member, found 0.")]
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":3}]}""", "5", "Expected 3 or less, found 5.")]
    [InlineData("""{"anyOf":[{"type":"string"},{"type":"integer"}]}""", "1", "")]
    [InlineData("""{"anyOf":[{"type":"string"},{"minimum":5}]}""", "1", "Fits none of 2 alternatives: (1) Expected string, found integer 1; (2) Expected 5 or more, found 1.")]
    [InlineData("""{"anyOf":[{"type":"string"},{"properties":{"a":{"type":"integer"}}}]}""", """{"a":"x"}""", "/a: Expected integer, found string \"x\".")]
    [InlineData("""{"oneOf":[{"multipleOf":3},{"multipleOf":5}]}""", "9", "")]
    [InlineData("""{"oneOf":[{"multipleOf":3},{"multipleOf":5}]}""", "15", "Expected exactly one of 2 alternatives to fit, but 1 and 2 do.")]
    [InlineData("""{"not":{"type":"string"}}""", "1", "")]
    [InlineData("""{"not":{"type":"string"}}""", "\"a\"", "Expected something else, found string \"a\", which \"not\" excludes.")]
    [InlineData("""{"if":{"properties":{"k":{"const":1}}},"then":{"required":["a"]},"else":{"required":["b"]}}""", """{"k":1}""", "The required member \"a\" is missing.")]
    [InlineData("""{"if":{"properties":{"k":{"const":1}}},"then":{"required":["a"]},"else":{"required":["b"]}}""", """{"k":2}""", "The required member \"b\" is missing.")]
    [InlineData("""{"$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}}""", "\"a\"", "Expected integer, found string \"a\".")]
    [InlineData("""{"properties":{"next":{"$ref":"#"}},"required":["v"]}""", """{"v":1,"next":{"v":2,"next":{}}}""", "/next/next: The required member \"v\" is missing.")]
    [InlineData("""{"$ref":"#/$defs/n","minimum":3,"$defs":{"n":{"type":"integer"}}}""", "1", "Expected 3 or more, found 1.")]
    [InlineData("""{"format":"color","x-note":1,"title":"t","default":3,"examples":[],"deprecated":true,"$comment":"c"}""", "\"any\"", "")]
    public void Validate_Value_ReportsEveryViolation(string schema, string value, string expected) =>
        Assert.Equal(expected, string.Join('|', Parse(schema).Validate(JsonElement.Parse(value))));

    [Theory]
    [InlineData("date-time", "2026-01-31T23:59:59Z", true)]
    [InlineData("date-time", "2026-01-31t23:59:59.123456789+01:00", true)]
    [InlineData("date-time", "2016-12-31T23:59:60Z", true)]
    [InlineData("date-time", "2017-01-01T00:59:60+01:00", true)]
    [InlineData("date-time", "2016-12-31T22:59:60Z", false)]
    [InlineData("date-time", "2026-02-29T00:00:00Z", false)]
    [InlineData("date-time", "2026-01-31T24:00:00Z", false)]
    [InlineData("date-time", "2026-01-31T23:59:59", false)]
    [InlineData("date-time", "2026-01-31 23:59:59Z", false)]
    [InlineData("date-time", "2026-01-31T23:59:59.Z", false)]
    [InlineData("date", "2024-02-29", true)]
    [InlineData("date", "2026-02-29", false)]
    [InlineData("date", "2026-2-3", false)]
    [InlineData("email", "joe.bloggs+x@example.com", true)]
    [InlineData("email", "joe@", false)]
    [InlineData("email", "@example.com", false)]
    [InlineData("email", "a b@example.com", false)]
    [InlineData("email", "a..b@example.com", false)]
    [InlineData("email", "a@-example.com", false)]
    [InlineData("uri", "https://example.com/a?b=c#d", true)]
    [InlineData("uri", "urn:isbn:0451450523", true)]
    [InlineData("uri", "/relative", false)]
    [InlineData("uri", "https://exa mple.com", false)]
    [InlineData("uri", "example.com", false)]
    [InlineData("uuid", "7f9c24e8-3b12-4fef-91e0-56a2d5a3c0de", true)]
    [InlineData("uuid", "7f9c24e83b124fef91e056a2d5a3c0de", false)]
    public void Validate_Format_IsAsserted(string format, string text, bool expected) =>
        Assert.Equal(expected, Parse($$"""{ "format": "{{format}}" }""").Validate(JsonElement.Parse($"\"{text}\"")).Count == 0);

    [Fact]
    public void Validate_LongValue_IsCutInTheMessage()
    {
        var violation = Assert.Single(Parse("""{ "type": "integer" }""").Validate(JsonElement.Parse($"\"{new string('x', 500)}\"")));
        Assert.Equal($"Expected integer, found string \"{new string('x', 56)}....", violation.Message);
    }

    [Theory]
    [InlineData("1", ": A schema is an object or a boolean, found integer 1.")]
    [InlineData("""{"typ":"string"}""", "/typ: There is no keyword \"typ\". Did you mean \"type\"?")]
    [InlineData("""{"requierd":[]}""", "/requierd: There is no keyword \"requierd\". Did you mean \"required\"?")]
    [InlineData("""{"color":1}""", "/color: There is no keyword \"color\". Names of one's own begin with \"x-\".")]
    [InlineData("""{"nullable":true}""", "/nullable: There is no keyword \"nullable\". Write type: [string, \"null\"].")]
    [InlineData("""{"definitions":{}}""", "/definitions: There is no keyword \"definitions\". Write \"$defs\".")]
    [InlineData("""{"type":"int"}""", "/type: Expected null, boolean, integer, number, string, array or object, found string \"int\". Did you mean \"integer\"?")]
    [InlineData("""{"type":["string",1]}""", "/type/1: Expected null, boolean, integer, number, string, array or object, found integer 1.")]
    [InlineData("""{"type":["string","string"]}""", "/type: The type string is named twice.")]
    [InlineData("""{"type":[]}""", "/type: Expected the name of a type or an array of them, found an empty array.")]
    [InlineData("""{"properties":{"a":{"required":true}}}""", "/properties/a/required: Expected an array of names, found boolean true. List the names of the required members in the object's schema: required: [name].")]
    [InlineData("""{"properties":[]}""", "/properties: Expected an object of schemas, found an empty array.")]
    [InlineData("""{"properties":{"a":{"type":"strng"},"b":{"minLength":-1}}}""", "/properties/a/type: Expected null, boolean, integer, number, string, array or object, found string \"strng\". Did you mean \"string\"?|/properties/b/minLength: Expected a whole number from 0 to 2147483647, found integer -1.")]
    [InlineData("""{"properties":{"name":{}},"required":["nmae"]}""", "/required/0: The required member \"nmae\" is not in \"properties\". Did you mean \"name\"?")]
    [InlineData("""{"properties":{"name":{}},"required":["other"],"additionalProperties":false}""", "/required/0: The required member \"other\" is not in \"properties\".")]
    [InlineData("""{"required":["a","a"]}""", "/required/1: The member \"a\" is named twice.")]
    [InlineData("""{"enum":[]}""", "/enum: Expected an array of at least one value, found an empty array.")]
    [InlineData("""{"anyOf":{}}""", "/anyOf: Expected an array of at least one schema, found an empty object.")]
    [InlineData("""{"minimum":"1"}""", "/minimum: Expected a number, found string \"1\".")]
    [InlineData("""{"minimum":2,"maximum":1}""", "/minimum: The minimum 2 is above the maximum 1.")]
    [InlineData("""{"minLength":2,"maxLength":1}""", "/minLength: \"minLength\" is 2, above \"maxLength\", which is 1.")]
    [InlineData("""{"multipleOf":0}""", "/multipleOf: Expected a number above 0, found integer 0.")]
    [InlineData("""{"uniqueItems":1}""", "/uniqueItems: Expected true or false, found integer 1.")]
    [InlineData("""{"pattern":"(?<=a)b"}""", "/pattern: The pattern \"(?<=a)b\" looks ahead, looks behind or refers back, which is not supported.")]
    [InlineData("""{"description":1}""", "/description: Expected a string, found integer 1.")]
    [InlineData("""{"then":{}}""", "/then: It has no effect without \"if\".")]
    [InlineData("""{"$ref":"other.json"}""", "/$ref: Only references within the schema are followed, found \"other.json\". Write \"#/$defs/NAME\", and define NAME in \"$defs\" at the top.")]
    [InlineData("""{"$ref":"#/$defs/adress","$defs":{"address":{}}}""", "/$ref: There is no \"#/$defs/adress\" in this schema. Did you mean \"#/$defs/address\"?")]
    [InlineData("""{"$ref":"#"}""", ": The schema refers to itself without going deeper into the value.")]
    [InlineData("""{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}""", "/$defs/a: The schema refers to itself without going deeper into the value.")]
    public void TryParse_Mistake_IsReportedByPointer(string schema, string expected)
    {
        Assert.False(JsonSchema.TryParse(JsonElement.Parse(schema), out _, out var problems));
        Assert.Equal(expected, string.Join('|', problems.Select(problem => $"{problem.Pointer}: {problem.Message}")));
    }

    [Fact]
    public void Validate_HostileDepth_IsRefused()
    {
        const int Depth = 5000;
        var value = JsonElement.Parse(string.Concat(Enumerable.Repeat("[", Depth)) + string.Concat(Enumerable.Repeat("]", Depth)), new JsonDocumentOptions { MaxDepth = Depth });
        var violation = Assert.Single(Parse("""{ "items": { "$ref": "#" }, "uniqueItems": true }""").Validate(value));
        Assert.Equal("The value is nested deeper than 64 levels.", violation.Message);
    }

    [Fact]
    public void Validate_ExponentialSchema_EndsAtTheLimit()
    {
        var definitions = string.Join(',', Enumerable.Range(0, 30).Select(i => $$"""
            "d{{i}}": { "allOf": [ { "$ref": "#/$defs/d{{i + 1}}" }, { "$ref": "#/$defs/d{{i + 1}}" } ] }
            """));
        var schema = Parse($$"""{ "$ref": "#/$defs/d0", "$defs": { {{definitions}}, "d30": { "type": "integer" } } }""");
        Assert.Equal("The value and its schema are too complex to check.", Assert.Single(schema.Validate(JsonElement.Parse("1"))).Message);
        Assert.Equal("int", schema.ToExpressionType().ToString());
    }

    [Fact]
    public void Validate_ManyViolations_AreCut()
    {
        var violations = Parse("""{ "items": { "type": "integer" } }""").Validate(JsonElement.Parse($"[{string.Join(',', Enumerable.Repeat("true", 500))}]"));
        Assert.Equal(100, violations.Count);
        Assert.Equal("There are more violations; they are not listed.", violations[^1].Message);
    }

    [Fact]
    public void Validate_HalfASurrogatePair_IsAViolation() =>
        Assert.Contains("not valid Unicode", Assert.Single(Parse("""{ "minLength": 1 }""").Validate(JsonElement.Parse("\"\\ud800\""))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}", "any")]
    [InlineData("""{"type":"integer"}""", "int")]
    [InlineData("""{"type":["number","null"]}""", "number or null")]
    [InlineData("""{"type":"array"}""", "list")]
    [InlineData("""{"items":{"type":"string"}}""", "list(string)")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}""", "list(int or string)")]
    [InlineData("""{"enum":["a",1,null]}""", "string, int or null")]
    [InlineData("""{"const":"a"}""", "string")]
    [InlineData("""{"required":["a"]}""", "map")]
    [InlineData("""{"anyOf":[{"type":"string"},{"type":"boolean"}]}""", "string or bool")]
    [InlineData("""{"allOf":[{"type":"number"},{"type":"integer"}]}""", "int")]
    [InlineData("""{"$ref":"#/$defs/n","$defs":{"n":{"type":"boolean"}}}""", "bool")]
    public void ToExpressionType_OfASchema_IsItsType(string schema, string expected) => Assert.Equal(expected, Parse(schema).ToExpressionType().ToString());

    [Fact]
    public void ToExpressionType_OfObjects_KnowsTheMembers()
    {
        var closed = Parse("""{ "properties": { "a": { "type": "string" } } }""").ToExpressionType();
        Assert.Equal("string", closed.Member("a")!.ToString());
        Assert.Null(closed.Member("b"));
        var open = Parse("""{ "properties": { "a": { "type": "string" } }, "additionalProperties": { "type": "integer" } }""").ToExpressionType();
        Assert.Equal("int", open.Member("b")!.ToString());
        Assert.Equal("any", Parse("""{ "type": "object" }""").ToExpressionType().Member("b")!.ToString());
        Assert.Null(Parse("""{ "type": "object", "additionalProperties": false }""").ToExpressionType().Member("b"));
        var merged = Parse("""{ "type": "object", "allOf": [ { "properties": { "a": { "type": "string" } } }, { "properties": { "b": { "type": "integer" } } } ] }""").ToExpressionType();
        Assert.Equal(["string", "int"], [merged.Member("a")!.ToString(), merged.Member("b")!.ToString()]);
        Assert.Null(merged.Member("c"));
        var recursive = Parse("""{ "properties": { "next": { "$ref": "#" } } }""").ToExpressionType();
        Assert.Equal("any", recursive.Member("next")!.ToString());
    }

    private static JsonSchema Parse(string json) =>
        JsonSchema.TryParse(JsonElement.Parse(json), out var schema, out var problems) ? schema : throw new InvalidOperationException(string.Join("; ", problems));
}
