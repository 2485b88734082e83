using System.Text.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Expressions.Tests.Schemas;

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
    [InlineData("""{"patternProperties":{"^n_":{"type":"integer"}},"additionalProperties":false}""", """{"n_a":"x","m":1}""", "/n_a: Expected integer, found string \"x\".|/m: There is no member \"m\".")]
    [InlineData("""{"properties":{"n_a":{"minimum":5}},"patternProperties":{"^n":{"type":"integer"},"_":{"maximum":1}}}""", """{"n_a":3}""", "/n_a: Expected 5 or more, found 3.|/n_a: Expected 1 or less, found 3.")]
    [InlineData("""{"propertyNames":{"maxLength":2}}""", """{"ab":1,"abc":2}""", "The name \"abc\" doesn't fit: Expected at most 2 characters, found 3.")]
    [InlineData("""{"dependentRequired":{"a":["b","c"]}}""", """{"a":1,"b":2}""", "The member \"c\" is missing, which is required beside \"a\".")]
    [InlineData("""{"dependentRequired":{"a":["b"]}}""", """{"c":1}""", "")]
    [InlineData("""{"dependentSchemas":{"a":{"required":["b"]}}}""", """{"a":1}""", "The required member \"b\" is missing.")]
    [InlineData("""{"contains":{"type":"integer"}}""", """["a",1]""", "")]
    [InlineData("""{"contains":{"type":"integer"}}""", """["a"]""", "Expected at least 1 item that \"contains\" describes, found 0.")]
    [InlineData("""{"contains":{"type":"integer"},"minContains":2,"maxContains":3}""", """[1,2,3,4]""", "Expected at most 3 items that \"contains\" describes, found 4.")]
    [InlineData("""{"contains":{"type":"integer"},"minContains":0}""", "[]", "")]
    [InlineData("""{"$ref":"#/properties/a","properties":{"a":{"type":"object"}}}""", "1", "Expected object, found integer 1.")]
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
    [InlineData("email", "\\\"a b\\\"@example.com", true)]
    [InlineData("email", "\\\"a\\\\\\\"@example.com", false)]
    [InlineData("email", "jörg@example.com", false)]
    [InlineData("time", "12:00:00.5+01:00", true)]
    [InlineData("time", "12:00", false)]
    [InlineData("duration", "P1DT12H", true)]
    [InlineData("duration", "PT", false)]
    [InlineData("hostname", "www.example.com", true)]
    [InlineData("hostname", "a_b.example.com", false)]
    [InlineData("ipv4", "192.0.2.1", true)]
    [InlineData("ipv4", "192.0.2.01", false)]
    [InlineData("ipv6", "2001:db8::1", true)]
    [InlineData("ipv6", "1::2::3", false)]
    [InlineData("uri", "http://[v1.a:b]/", true)]
    [InlineData("uri", "http://[::1]:80/", true)]
    [InlineData("uri", "http://[::1/", false)]
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
    [InlineData("""{"color":1}""", "/color: There is no keyword \"color\". Custom keywords begin with \"x-\".")]
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
    [InlineData("""{"unevaluatedProperties":false}""", "/unevaluatedProperties: The keyword \"unevaluatedProperties\" is not supported. Use \"additionalProperties\".")]
    [InlineData("""{"properties":{"a":{"$dynamicRef":"#x"}}}""", "/properties/a/$dynamicRef: The keyword \"$dynamicRef\" is not supported. Use \"$ref\".")]
    [InlineData("""{"properties":{"a":{"$id":"https://example.com/a"}}}""", "/properties/a/$id: \"$id\" is supported only at the top.")]
    [InlineData("""{"patternProperties":{"(?=a)":{}}}""", "/patternProperties/(?=a): The pattern \"(?=a)\" looks ahead, looks behind or refers back, which is not supported.")]
    [InlineData("""{"minContains":1}""", "/minContains: It has no effect without \"contains\".")]
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

    /// <summary>A value that is behind combinations is decided once for each part, not once for each way that leads there.</summary>
    [Theory]
    [InlineData("allOf")]
    [InlineData("anyOf")]
    [InlineData("oneOf")]
    public void Validate_CombinationsOfCombinations_CostWhatTheyAreLong(string keyword)
    {
        var definitions = string.Join(',', Enumerable.Range(0, 30).Select(i => $$"""
            "d{{i}}": { "{{keyword}}": [ { "$ref": "#/$defs/d{{i + 1}}" }, { "$ref": "#/$defs/d{{i + 1}}" } ] }
            """));
        var schema = Parse($$"""{ "$ref": "#/$defs/d0", "$defs": { {{definitions}}, "d30": { "type": "integer" } } }""");
        foreach (var value in new[] { "1", "\"a\"", "{\"no\":\"integer\"}" })
        {
            // Two alternatives that are the same both fit or both don't, so none of oneOf ever fits.
            Assert.Equal(keyword != "oneOf" && value == "1", schema.Validate(JsonElement.Parse(value), out var steps).Count == 0);
            Assert.InRange(steps, 1, 1000);
        }

        Assert.Equal("int", schema.ToExpressionType().ToString());
    }

    /// <summary>A list of 20,000 items of a union of 40: what tells the alternatives apart is looked up.</summary>
    [Theory]
    [InlineData("anyOf", """{"const":"v{0}"}""")]
    [InlineData("oneOf", """{"const":"v{0}"}""")]
    [InlineData("oneOf", """{"enum":["v{0}","w{0}"]}""")]
    [InlineData("oneOf", """{"type":"string","$ref":"#/$defs/v{0}"}""")]
    public void Validate_LongListOfAWideUnion_LooksTheAlternativeUp(string keyword, string tag)
    {
        string Write(string text, int i) => text.Replace("{0}", i.ToString(), StringComparison.Ordinal);
        var alternatives = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"type":"object","required":["k"],"properties":{"k":{{Write(tag, i)}},"n":{"type":"integer"} } }"""));
        var definitions = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""
            "v{{i}}":{"const":"v{{i}}"}
            """));
        var schema = Parse($$"""{"type":"array","items":{"{{keyword}}":[{{alternatives}}]},"$defs":{ {{definitions}} } }""");
        var items = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $$"""{"k":"v{{i % 40}}","n":{{i}} }"""));
        Assert.Empty(schema.Validate(JsonElement.Parse($"[{items}]"), out var steps));
        Assert.InRange(steps, 20_000, 200_000);
        var wrong = Assert.Single(schema.Validate(JsonElement.Parse($$"""[{{items}},{"k":"WRONG"}]"""), out steps));
        Assert.Equal("/20000/k", wrong.Pointer);
        Assert.StartsWith("Expected \"v0\", ", wrong.Message, StringComparison.Ordinal);
        Assert.InRange(steps, 20_000, 200_000);
        wrong = Assert.Single(schema.Validate(JsonElement.Parse($$"""[{{items}},{"k":"v3","n":"x"}]""")));
        Assert.Equal("/20000/n: Expected integer, found string \"x\".", wrong.ToString());
    }

    /// <summary>An expression tree of depth 16, 131,071 nodes: each is decided once, whatever tells them apart.</summary>
    [Theory]
    [InlineData("""{"type":"object","required":["op","a","b"],"properties":{"op":{"const":"{0}"},"a":{"$ref":"#/$defs/e"},"b":{"$ref":"#/$defs/e"}}}""")]
    [InlineData("""{"type":"object","required":["op","a","b"],"properties":{"a":{"$ref":"#/$defs/e"},"b":{"$ref":"#/$defs/e"},"op":{"pattern":"^{0}$"}}}""")]
    public void Validate_RecursiveUnionOfDepth16_DecidesEachPartOnce(string operation)
    {
        string[] operations = ["add", "sub", "mul", "div"];
        var alternatives = string.Join(',', operations.Select(name => operation.Replace("{0}", name, StringComparison.Ordinal)));
        var schema = Parse($$"""{"$ref":"#/$defs/e","$defs":{"e":{"oneOf":[{"type":"integer"},{{alternatives}}]} } }""");
        string Tree(int depth, string leaf) => depth == 0 ? leaf : $$"""{"a":{{Tree(depth - 1, "1")}},"b":{{Tree(depth - 1, leaf)}},"op":"{{operations[depth % 4]}}" }""";
        Assert.Empty(schema.Validate(JsonElement.Parse(Tree(16, "1")), out var steps));
        Assert.InRange(steps, 131_071, 5_000_000);
        Assert.NotEmpty(schema.Validate(JsonElement.Parse(Tree(16, "\"wrong\"")), out steps));
        Assert.InRange(steps, 16, 5_000_000);
    }

    /// <summary>What can't be checked within the limit is refused, wherever it stands: unknown within "not" must not become true.</summary>
    [Theory]
    [InlineData("""{"items":{"anyOf":[{"$ref":"#/$defs/many"}]},"$defs":{DEFS}}""")]
    [InlineData("""{"anyOf":[{"items":{"$ref":"#/$defs/many"}},true],"$defs":{DEFS}}""")]
    [InlineData("""{"oneOf":[{"items":{"$ref":"#/$defs/many"}},{"type":"array"}],"$defs":{DEFS}}""")]
    [InlineData("""{"not":{"items":{"$ref":"#/$defs/many"}},"$defs":{DEFS}}""")]
    [InlineData("""{"not":{"not":{"items":{"$ref":"#/$defs/many"}}},"$defs":{DEFS}}""")]
    [InlineData("""{"if":{"items":{"$ref":"#/$defs/many"}},"then":true,"else":true,"$defs":{DEFS}}""")]
    [InlineData("""{"contains":{"$ref":"#/$defs/many"},"minContains":1,"maxContains":1000000,"$defs":{DEFS}}""")]
    [InlineData("""{"allOf":[{"items":{"$ref":"#/$defs/many"}}],"$defs":{DEFS}}""")]
    public void Validate_BeyondTheLimit_IsRefusedWithItsOwnCode(string schema)
    {
        // 5,000 items that fit the last of 3,000 alternatives.
        var patterns = string.Join(',', Enumerable.Range(0, 3000).Select(i => $$"""{"minLength":{{3000 - i}} }"""));
        var parsed = Parse(schema.Replace("{DEFS}", $$"""{"many":{"anyOf":[{{patterns}}]} }""", StringComparison.Ordinal));
        var value = JsonElement.Parse($"[{string.Join(',', Enumerable.Repeat("\"a\"", 5000))}]");
        var violation = Assert.Single(parsed.Validate(value));
        Assert.Equal((SchemaCodes.TooComplex, "The value and its schema are too complex to check: it takes more than 10,000,000 steps."), (violation.Code, violation.Message));
    }

    [Theory]
    [InlineData("""{"items":{"$ref":"#"}}""")]
    [InlineData("""{"not":{"$ref":"#/$defs/list"},"$defs":{"list":{"items":{"$ref":"#/$defs/list"}}}}""")]
    [InlineData("""{"anyOf":[{"$ref":"#/$defs/list"},true],"$defs":{"list":{"items":{"$ref":"#/$defs/list"}}}}""")]
    [InlineData("""{"not":{"uniqueItems":true}}""")]
    [InlineData("""{"not":{"const":[[]]}}""")]
    public void Validate_TooDeepAValue_IsRefusedWithItsOwnCode(string schema)
    {
        const int Depth = 100;
        var value = JsonElement.Parse(new string('[', Depth) + new string(']', Depth), new JsonDocumentOptions { MaxDepth = Depth });
        var violation = Assert.Single(Parse(schema).Validate(value));
        Assert.Equal((SchemaCodes.TooDeep, "The value is nested deeper than 64 levels."), (violation.Code, violation.Message));
    }

    [Theory]
    [InlineData("""{"multipleOf":0.5}""", "1e308", true)]
    [InlineData("""{"multipleOf":7}""", "1e-400", false)]
    [InlineData("""{"multipleOf":1e-400}""", "1", true)]
    [InlineData("""{"not":{"multipleOf":3}}""", "1e1000000", true)]
    [InlineData("""{"multipleOf":3}""", "3e99999999999", true)]
    public void Validate_MultipleOfFarNumbers_IsExact(string schema, string value, bool expected) => Assert.Equal(expected, Parse(schema).Validate(JsonElement.Parse(value)).Count == 0);

    [Fact]
    public void Validate_EndlessNumber_IsNotDivided() =>
        Assert.Equal(SchemaCodes.TooComplex, Assert.Single(Parse("""{"not":{"multipleOf":3}}""").Validate(JsonElement.Parse(new string('7', 5000)))).Code);

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
    [InlineData("""{"type":"array"}""", "array")]
    [InlineData("""{"items":{"type":"string"}}""", "array(string)")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}""", "array(int or string)")]
    [InlineData("""{"enum":["a",1,null]}""", "string, int or null")]
    [InlineData("""{"const":"a"}""", "string")]
    [InlineData("""{"required":["a"]}""", "object")]
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
        var conditional = Parse("""{ "properties": { "k": { "type": "string" } }, "if": { "required": ["k"] }, "then": { "properties": { "more": { "type": "integer" } } }, "dependentSchemas": { "k": { "properties": { "other": { "type": "boolean" } } } } }""").ToExpressionType();
        Assert.Equal(["string", "int", "bool"], [conditional.Member("k")!.ToString(), conditional.Member("more")!.ToString(), conditional.Member("other")!.ToString()]);
        var patterns = Parse("""{ "properties": { "a": { "type": "string" } }, "patternProperties": { "^n_": { "type": "integer" } } }""").ToExpressionType();
        Assert.Equal(["string", "int"], [patterns.Member("a")!.ToString(), patterns.Member("n_b")!.ToString()]);
        var recursive = Parse("""{ "properties": { "next": { "$ref": "#" } } }""").ToExpressionType();
        Assert.Equal("any", recursive.Member("next")!.ToString());
    }

    private static JsonSchema Parse(string json) =>
        JsonSchema.TryParse(JsonElement.Parse(json), out var schema, out var problems) ? schema : throw new InvalidOperationException(string.Join("; ", problems));
}
