namespace Polyphony.Expressions.Tests;

[Trait("Row", "O6")]
public sealed class LimitTests
{
    private static readonly string Variables = $$"""{ "xs": [{{string.Join(',', Enumerable.Range(0, 2000))}}], "text": "{{new string('a', 1_000_000)}}", "t": true, "none": [], "m": { {{string.Join(',', Enumerable.Range(0, 2000).Select(i => $"\"k{i}\": 1"))}} } }""";

    [Theory]
    [InlineData("xs.map(a, xs.map(b, a * b)).flatten().sum()", "takes more than 1,000,000 steps")]
    [InlineData("t || xs.all(a, xs.all(b, xs.all(c, a + b + c >= 0)))", null)]
    [InlineData("xs.all(a, xs.all(b, xs.all(c, a + b + c >= 0))) || t", "takes more than 1,000,000 steps")]
    [InlineData("xs.exists(a, xs.map(b, xs.map(c, c)) == []) || t", "takes more than 1,000,000 steps")]
    [InlineData("text.replace('a', text)", "longer than 10,000,000 characters")]
    [InlineData("xs.map(x, text).join('')", "steps")]
    [InlineData("(text + text + text).size() == 3000000", null)]
    [InlineData("xs.map(x, toJson(text))", "steps")]
    [InlineData("xs.map(x, text.split(''))", "steps")]
    [InlineData("xs.map(x, text.matches('(a|b)*c'))", "steps")]
    [InlineData("xs.map(x, text == text + 'b')", "steps")]
    [InlineData("xs.map(x, text == text)", "steps")]
    [InlineData("xs.map(x, text == 'b')", null)]
    [InlineData("xs.map(x, xs == xs)", "steps")]
    [InlineData("xs.map(x, xs == none)", null)]
    [InlineData("xs.map(x, [xs].distinct())", "steps")]
    [InlineData("xs.map(x, [m].distinct())", "steps")]
    [InlineData("xs.map(x, xs.distinct())", "steps")]
    [InlineData("xs.map(x, string(text))", "steps")]
    [InlineData("xs.first(30).map(x, '').join(text)", "steps")]
    [InlineData("xs.map(x, xs.reverse())", "steps")]
    [InlineData("xs.map(x, xs.flatten())", "steps")]
    [InlineData("xs.map(x, xs.sum())", "steps")]
    [InlineData("xs.map(x, xs.max())", "steps")]
    [InlineData("xs.map(x, xs.first(2000))", "steps")]
    [InlineData("xs.map(x, xs.last())", "steps")]
    [InlineData("xs.map(x, xs.first())", null)]
    [InlineData("[0,1].map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]).map(a,[a,a]) == []", null)]
    public void Evaluate_CostlyExpression_EndsAtTheLimit(string expression, string? expected)
    {
        var scope = Sample.Scope(Variables);
        var parsed = Sample.Parse(expression);
        if (expected is null)
        {
            parsed.Evaluate(scope);
        }
        else
        {
            Assert.Contains(expected, Assert.Throws<ExpressionException>(() => parsed.Evaluate(scope)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Evaluate_SharedListsCompared_EndsAtTheLimit()
    {
        // Twice the same 2^40 items, of 40 lists each: equal, but only by comparing all.
        var link = string.Concat(Enumerable.Repeat(".map(a, [a, a])", 40));
        var exception = Assert.Throws<ExpressionException>(() => Sample.Parse($"[1]{link} == [1]{link}").Evaluate(Sample.Scope()));
        Assert.Contains("steps", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>What is within the steps takes a time that grows with the object, not with its square, which for this one would be minutes.</summary>
    [Fact]
    public void Evaluate_WideObjectInAList_IsToldFromOthersByItsMembers()
    {
        static string Wide(int last) => $"{{ {string.Join(',', Enumerable.Range(0, 200_000).Select(i => $"\"k{i}\": 1"))}, \"last\": {last} }}";

        Assert.Equal("2", Sample.Evaluate("size([a, b].distinct())", $$"""{ "a": {{Wide(1)}}, "b": {{Wide(2)}} }"""));
        Assert.Equal("1", Sample.Evaluate("size([a, a].distinct())", $$"""{ "a": {{Wide(1)}} }"""));
    }

    /// <summary>The same for the type of a constant: a file of a megabyte has room for an object of this width.</summary>
    [Fact]
    [Trait("Row", "B1")]
    public void TypeOf_WideObject_HasAllMembers()
    {
        var wide = Sample.Json($"{{ {string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"{i}\": {i % 2}"))}, \"last\": \"x\" }}");

        var type = ExpressionType.Of(ExpressionValue.FromJson(wide));

        Assert.Equal(100_001, type.Members.Count);
        Assert.Equal(ExpressionType.String, type.Members["last"]);
    }

    [Theory]
    [InlineData("[a]")]
    [InlineData("{'a': a}")]
    public void Evaluate_DeeplyNestedValuesCompared_EndsAtTheLimit(string item)
    {
        string Nested(int levels) => "[1]" + string.Concat(Enumerable.Repeat($".map(a, {item})", levels));

        Assert.Equal("true", Sample.Evaluate($"{Nested(60)} == {Nested(60)}"));
        Assert.Contains("The values are nested deeper than 64 levels.", Sample.Evaluate($"{Nested(70)} == {Nested(70)}"), StringComparison.Ordinal);
    }

    [Fact]
    public void Render_PartsTogether_ShareTheLimits()
    {
        var template = Sample.ParseTemplate(string.Concat(Enumerable.Repeat("{{ text }}", 11)));
        Assert.Throws<ExpressionException>(() => template.Render(Sample.Scope(Variables)));
    }
}
