using System.Text;
using System.Text.Json;
using Polyphony.Expressions.Schemas;
using Polyphony.TestKit.Fuzzing;

namespace Polyphony.Expressions.Tests.Schemas;

/// <summary>
/// Random schemas with random values: reading and checking never throw and always end, and what a schema says doesn't change with what is put around it.
/// </summary>
[Trait("Row", "O13")]
public sealed class SchemaFuzzTests
{
    private static readonly string[] Names = ["a", "b", "kind", "next", "é/~", ""];

    private static readonly string[] Pieces =
        ["{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1", "1e400", "0.1", "\"$ref\":\"#\"", "\"$ref\":\"#/$defs/a\"", "\"not\":", "\\ud800", "\\", "1e-999999", "\"anyOf\":[{}]", "\"type\":\"object\","];

    [Fact]
    public void Validate_RandomSchemaAndValue_AgreesWithItselfInOtherWords()
    {
        var (checks, fitting) = (0, 0);
        Fuzz.Check(20261101, 4_000, random => $"{Schema(random, 3)}\n{Value(random, 4)}", text =>
        {
            if (!TryRead(text, out var json, out var value) || !JsonSchema.TryParse(json, out var schema, out _, SchemaReading.Lenient))
            {
                return;
            }

            var violations = schema.Validate(value, out var steps);
            Assert.True(steps <= SchemaLimits.Steps);
            checks++;
            fitting += violations.Count == 0 ? 1 : 0;
            foreach (var violation in violations)
            {
                Assert.True(violation.Message.Length > 0 && Exists(value, violation.Pointer), violation.ToString());
            }

            if (violations.Any(violation => violation.Code != SchemaCodes.Mismatch))
            {
                return;
            }

            // References lead to the same places, because the definitions stay at the top.
            foreach (var (around, sameAs) in new[] { ("\"allOf\":[S]", true), ("\"anyOf\":[false,S]", true), ("\"oneOf\":[S,false]", true), ("\"not\":{\"not\":S}", true), ("\"not\":S", false), ("\"if\":S,\"else\":false", true) })
            {
                if (json.ValueKind != JsonValueKind.Object || json.GetRawText().Contains("\"#\"", StringComparison.Ordinal))
                {
                    continue;
                }

                var definitions = json.TryGetProperty("$defs", out var found) ? found.GetRawText() : "{}";
                var wrapped = JsonElement.Parse($$"""{ {{around.Replace("S", json.GetRawText(), StringComparison.Ordinal)}},"$defs":{{definitions}} }""");
                Assert.True(JsonSchema.TryParse(wrapped, out var other, out var problems, SchemaReading.Lenient), string.Join("; ", problems));
                Assert.True(other.Validate(value).Count == 0 == (violations.Count == 0 == sameAs), $"{around} gives {string.Join("; ", other.Validate(value))}, the schema itself {string.Join("; ", violations)}");
            }
        });
        Assert.True(checks > 1_000 && fitting > checks / 20 && fitting < checks, $"{fitting} of {checks} fit");
    }

    [Fact]
    public void TryParse_MutatedSchema_NeverThrows()
    {
        var read = 0;
        Fuzz.Check(20261102, 6_000, random => Fuzz.Mutate($"{Schema(random, 3)}\n{Value(random, 3)}", Pieces, random), text =>
        {
            if (!TryRead(text, out var json, out var value))
            {
                return;
            }

            read++;
            foreach (var reading in Enum.GetValues<SchemaReading>())
            {
                if (JsonSchema.TryParse(json, out var schema, out var problems, reading))
                {
                    schema.Validate(value);
                    _ = schema.ToExpressionType().ToString();
                }
                else
                {
                    Assert.All(problems, problem => Assert.NotEmpty(problem.Message));
                }
            }
        });
        Assert.True(read > 500, $"only {read} were JSON");
    }

    private static bool TryRead(string text, out JsonElement schema, out JsonElement value)
    {
        (schema, value) = (default, default);
        try
        {
            var lines = text.Split('\n');
            (schema, value) = (JsonElement.Parse(lines[0]), JsonElement.Parse(lines.Length > 1 ? lines[1] : "null"));
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (ArgumentException)
        {
            // Half a surrogate pair can't be UTF-8.
            return false;
        }
    }

    // A name that isn't there is shown at its own place, so the last step may be missing.
    private static bool Exists(JsonElement value, string pointer)
    {
        foreach (var part in pointer.Split('/').Skip(1).Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)))
        {
            if (value.ValueKind == JsonValueKind.Array && int.TryParse(part, out var index) && index < value.GetArrayLength())
            {
                value = value[index];
            }
            else if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(part, out value))
            {
                return false;
            }
        }

        return true;
    }

    private static string Schema(Random random, int depth)
    {
        var builder = new StringBuilder("{");
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            builder.Append(Keyword(random, depth)).Append(',');
        }

        if (depth == 3)
        {
            builder.Append($"\"$defs\":{{\"a\":{Part(random, depth - 1)},\"b\":{Part(random, depth - 1)}}},");
        }

        builder.Length--;
        return Distinct(builder.Append('}').ToString());
    }

    // The last of two members of the same name counts, as in objects of JSON.
    private static string Distinct(string json) =>
        $"{{{string.Join(',', JsonElement.Parse(json).EnumerateObject().GroupBy(member => member.Name, StringComparer.Ordinal).Select(group => $"{JsonSerializer.Serialize(group.Key)}:{group.Last().Value.GetRawText()}"))}}}";

    private static string Part(Random random, int depth) => random.Next(8) switch
    {
        0 => "true",
        1 when random.Next(3) == 0 => "false",
        2 => "{\"$ref\":\"#/$defs/a\"}",
        3 => "{\"$ref\":\"#/$defs/b\"}",
        _ => depth <= 0 ? "{\"type\":\"integer\"}" : Schema(random, depth - 1),
    };

    private static string Parts(Random random, int depth) => string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Part(random, depth)));

    private static string Members(Random random, Func<string> value) =>
        string.Join(',', Names.Where(_ => random.Next(3) == 0).Select(name => $"{JsonSerializer.Serialize(name)}:{value()}"));

    private static string Keyword(Random random, int depth) => random.Next(24) switch
    {
        0 or 1 => $"\"type\":\"{Pick(random, "null", "boolean", "integer", "number", "string", "array", "object")}\"",
        2 => "\"type\":[\"integer\",\"object\",\"null\"]",
        3 or 4 => $"\"properties\":{{{Members(random, () => Part(random, depth - 1))}}}",
        5 => $"\"required\":[\"{Pick(random, Names)}\"]",
        6 => $"\"additionalProperties\":{Part(random, depth - 1)}",
        7 => $"\"patternProperties\":{{\"{Pick(random, "^a", "b$", ".")}\":{Part(random, depth - 1)}}}",
        8 => $"\"items\":{Part(random, depth - 1)}",
        9 => $"\"prefixItems\":[{Parts(random, depth - 1)}]",
        10 => $"\"contains\":{Part(random, depth - 1)},\"minContains\":{random.Next(3)},\"maxContains\":{random.Next(1, 4)}",
        11 => $"\"enum\":[{Value(random, 1)},{Value(random, 1)}]",
        12 => $"\"const\":{Value(random, 1)}",
        13 => $"\"{Pick(random, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")}\":{random.Next(-3, 4)}",
        14 => $"\"multipleOf\":{Pick(random, "2", "0.1", "1e-300", "7e300")}",
        15 => $"\"{Pick(random, "minLength", "maxItems", "minProperties", "maxProperties")}\":{random.Next(3)}",
        16 => $"\"pattern\":\"{Pick(random, "^a+$", "[^b]", "x|y")}\",\"format\":\"{Pick(random, "date", "uri", "ipv6", "email", "duration", "hostname")}\"",
        17 or 18 => $"\"{Pick(random, "anyOf", "oneOf", "allOf")}\":[{Parts(random, depth - 1)}]",
        19 => $"\"oneOf\":[{string.Join(',', Enumerable.Range(0, 3).Select(i => $"{{\"properties\":{{\"kind\":{{\"const\":{i}}},\"next\":{Part(random, depth - 1)}}}}}"))}]",
        20 => $"\"not\":{Part(random, depth - 1)}",
        21 => $"\"if\":{Part(random, depth - 1)},\"then\":{Part(random, depth - 1)},\"else\":{Part(random, depth - 1)}",
        22 => $"\"propertyNames\":{{\"maxLength\":{random.Next(4)}}},\"dependentRequired\":{{\"a\":[\"b\"]}},\"dependentSchemas\":{{\"b\":{Part(random, depth - 1)}}}",
        _ => "\"uniqueItems\":true",
    };

    private static string Value(Random random, int depth) => random.Next(depth == 0 ? 7 : 11) switch
    {
        0 => "null",
        1 => Pick(random, "true", "false"),
        2 or 3 => Pick(random, "0", "1", "1.0", "-2", "0.3", "2", "1e400", "123456789012345678901234567890"),
        4 or 5 => Pick(random, "\"\"", "\"a\"", "\"aab\"", "\"é😀\"", "\"2026-01-31\"", "\"x@y.z\"", "\"::1\""),
        6 => "[]",
        7 or 8 => $"[{string.Join(',', Enumerable.Range(0, random.Next(1, 5)).Select(_ => Value(random, depth - 1)))}]",
        _ => $"{{{Members(random, () => Value(random, depth - 1))}}}",
    };

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}
