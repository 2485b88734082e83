namespace Polyphony.Expressions.Tests;

[Trait("Row", "O6")]
public sealed class LimitTests
{
    private static readonly string Variables = $$"""{ "xs": [{{string.Join(',', Enumerable.Range(0, 2000))}}], "text": "{{new string('a', 1_000_000)}}", "t": true }""";

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

    [Fact]
    public void Render_PartsTogether_ShareTheLimits()
    {
        var template = Sample.ParseTemplate(string.Concat(Enumerable.Repeat("{{ text }}", 11)));
        Assert.Throws<ExpressionException>(() => template.Render(Sample.Scope(Variables)));
    }
}
