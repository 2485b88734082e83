using System.Text.Json;

namespace Polyphony.Expressions.Tests;

[Trait("Row", "O6")]
public sealed class ValueTests
{
    [Fact]
    public void ToJson_OfJson_IsTheSame()
    {
        var json = Sample.Json("""{ "a": [1, 2.50, "x"] }""");
        Assert.Equal(json.GetRawText(), ExpressionValue.FromJson(json).ToJson().GetRawText());
    }

    [Fact]
    public void ToJson_OfADisposedDocument_StaysReadable()
    {
        JsonElement kept;
        using (var document = JsonDocument.Parse("""{ "a": { "b": 1 } }"""))
        {
            kept = ExpressionValue.FromJson(document.RootElement.GetProperty("a")).ToJson();
        }

        Assert.Equal(1, kept.GetProperty("b").GetInt32());
    }

    [Fact]
    public void FromMembers_DictionaryWithoutOrder_IsWrittenByName()
    {
        var members = new Dictionary<string, ExpressionValue>(StringComparer.Ordinal) { ["b"] = ExpressionValue.FromInt64(1), ["a"] = ExpressionValue.FromString("x"), ["B"] = ExpressionValue.Null };
        Assert.Equal("""{"B":null,"a":"x","b":1}""", ExpressionValue.FromMembers(members).ToJson().GetRawText());
        Assert.Equal("""{"b":1,"a":"x"}""", ExpressionValue.FromMembers(new OrderedDictionary<string, ExpressionValue>(StringComparer.Ordinal) { ["b"] = members["b"], ["a"] = members["a"] }).ToJson().GetRawText());
    }

    [Fact]
    public void ParseJson_HalfOfASurrogatePair_IsAProblemOfTheExpression()
    {
        var scope = new ExpressionScope(new Dictionary<string, ExpressionValue>(StringComparer.Ordinal) { ["s"] = ExpressionValue.FromString("\"\uD83D\"") });
        var failed = Assert.Throws<ExpressionException>(() => Sample.Parse("parseJson(s)").Evaluate(scope));
        Assert.Contains("half of a surrogate pair", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Default_IsNull()
    {
        Assert.True(default(ExpressionValue).IsNull);
        Assert.Equal(JsonValueKind.Null, default(ExpressionValue).ToJson().ValueKind);
        Assert.Equal("", default(ExpressionValue).ToText());
    }

    [Fact]
    public void Accessors_OfAnotherKind_Throw()
    {
        var text = ExpressionValue.FromString("x");
        Assert.Throws<InvalidOperationException>(() => text.AsBoolean());
        Assert.Throws<InvalidOperationException>(() => text.AsInt64());
        Assert.Throws<InvalidOperationException>(() => text.AsDouble());
        Assert.Throws<InvalidOperationException>(() => ExpressionValue.Null.AsString());
        Assert.Empty(text.Items());
        Assert.False(text.TryGetMember("a", out _));
    }

    [Fact]
    public void ToJson_NestedDeeperThanTheLimit_Fails()
    {
        var value = ExpressionValue.FromInt64(1);
        for (var i = 0; i < 64; i++)
        {
            value = ExpressionValue.FromList([value]);
        }

        Assert.StartsWith("[[", value.ToJson().GetRawText(), StringComparison.Ordinal);
        var deeper = ExpressionValue.FromList([value]);
        Assert.Contains("nested deeper than 64 levels", Assert.Throws<ExpressionException>(() => deeper.ToJson()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToJson_SharedPartsThatGrowBeyondTheLimit_Fails()
    {
        var value = ExpressionValue.FromString("0123456789");
        for (var i = 0; i < 40; i++)
        {
            value = ExpressionValue.FromList([value, value]);
        }

        Assert.Contains("longer than 10,000,000 characters", Assert.Throws<ExpressionException>(() => value.ToJson()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_HalfASurrogatePair_IsAClearError()
    {
        var scope = Sample.Scope("""{ "x": "\ud800", "m": { "\udc00": 1 } }""");
        Assert.Contains("not valid Unicode", Assert.Throws<ExpressionException>(() => Sample.Parse("x + 'a'").Evaluate(scope)).Message, StringComparison.Ordinal);
        Assert.Contains("not valid Unicode", Assert.Throws<ExpressionException>(() => Sample.Parse("m.map(k, k)").Evaluate(scope)).Message, StringComparison.Ordinal);
        Assert.Contains("not valid Unicode", Assert.Throws<ExpressionException>(() => Sample.ParseTemplate("{{ x }} {{ m }}").Render(scope)).Message, StringComparison.Ordinal);
        Assert.Contains("not valid Unicode", Assert.Throws<ExpressionException>(() => Sample.ParseTemplate("a {{ m }}").Render(scope)).Message, StringComparison.Ordinal);
    }
}
