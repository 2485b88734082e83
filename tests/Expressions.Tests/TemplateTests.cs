using System.Text.Json;

namespace Polyphony.Expressions.Tests;

[Trait("Row", "O6")]
public sealed class TemplateTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain } text }} { here", "plain } text }} { here")]
    [InlineData("Break {{ s }} into {{ i }}.", "Break Hello into 7.")]
    [InlineData("{{s}}{{s}}", "HelloHello")]
    [InlineData("{{ '}}' }}", "}}")]
    [InlineData("{{ \"}}\" + '{{' }}!", "}}{{!")]
    [InlineData("{{ '{{' }} name }}", "{{ name }}")]
    [InlineData("{{ {'a': {'b': 1}} }}", "{\"a\":{\"b\":1}}")]
    [InlineData("{{ {'a': {'b': 1}}}}", "{\"a\":{\"b\":1}}")]
    [InlineData("x{{ n }}y", "xy")]
    [InlineData("{{ t }} {{ d }} {{ whole }} {{ huge }} {{ 1e21 }}", "true 2.5 3.0 12345678901234567890 1E+21")]
    [InlineData("{{ xs }} {{ m.b }}", "[3,1,2] {\"c\":\"deep\"}")]
    [InlineData("{{ [smile, '\"\\\\\\n\\u0001'] }}", "[\"a😀b\",\"\\\"\\\\\\n\\u0001\"]")]
    [InlineData("{{\n  s\n}}", "Hello")]
    [InlineData("{{{'a': 1}.a}}", "1")]
    public void Render_Template_GivesTheText(string template, string expected) => Assert.Equal(expected, Sample.ParseTemplate(template).Render(Sample.Scope()));

    [Theory]
    [InlineData("{{ xs }}", ExpressionValueKind.List)]
    [InlineData("{{ n }}", ExpressionValueKind.Null)]
    [InlineData("{{ i }}", ExpressionValueKind.Int)]
    [InlineData(" {{ xs }}", ExpressionValueKind.String)]
    [InlineData("{{ i }}\n", ExpressionValueKind.String)]
    [InlineData("text", ExpressionValueKind.String)]
    [InlineData("", ExpressionValueKind.String)]
    public void Evaluate_SingleExpression_GivesItsValue(string template, ExpressionValueKind expected) =>
        Assert.Equal(expected, Sample.ParseTemplate(template).Evaluate(Sample.Scope()).Kind);

    [Theory]
    [InlineData("Hi {{ a = 1 }} and {{ b and c }}", "8+1: Unexpected \"=\".|24+3: \"and\" is not an operator.")]
    [InlineData("Hi {{ name", "3+2: The \"{{\" is not closed.")]
    [InlineData("Hi {{ name } there", "3+2: The \"{{\" is not closed.")]
    [InlineData("Hi {{ a = 'b and {{ c", "3+2: The \"{{\" is not closed.")]
    [InlineData("a {{ }} b {{ 1 + }}", "5+0: The expression is empty.|17+0: The expression ends too early: expected a value.")]
    [InlineData("{{ it's }} and {{ x y }}", "5+19: The text that begins with ' is not closed.|20+1: Unexpected \"y\": expected the end of the expression.")]
    [InlineData("{{ 'a }}", "3+5: The text that begins with ' is not closed.")]
    [InlineData("{{ {{ x }} }}", "8+1: Unexpected \"}\": expected \":\" and the value of the key.")]
    public void TryParse_Mistakes_AreReportedPerPart(string template, string expected)
    {
        Assert.False(Template.TryParse(template, out _, out var problems));
        Assert.Equal(expected, string.Join('|', problems.Select(problem => $"{problem.Offset}+{problem.Length}: {problem.Message}")));
    }

    [Fact]
    public void Check_Template_ReportsOffsetsInTheWholeText()
    {
        List<ExpressionProblem> problems = [];
        var type = Sample.ParseTemplate("Hi {{ nam }}, {{ 1 + 'a' }}").Check(new ExpressionTypeScope(new Dictionary<string, ExpressionType>(StringComparer.Ordinal) { ["name"] = ExpressionType.String }), problems);
        Assert.Equal([(6, 3), (19, 1)], problems.Select(problem => (problem.Offset, problem.Length)));
        Assert.Same(ExpressionType.String, type);
    }

    [Fact]
    public void Check_SingleExpression_HasItsType()
    {
        var type = Sample.ParseTemplate("{{ [1] }}").Check(new ExpressionTypeScope(new Dictionary<string, ExpressionType>(StringComparer.Ordinal)), []);
        Assert.Equal("array(int)", type.ToString());
    }

    [Fact]
    public void Render_Failure_NamesTheExpressionAndItsPlace()
    {
        var exception = Assert.Throws<ExpressionException>(() => Sample.ParseTemplate("Dear {{ s }}, {{ m.nme }}").Render(Sample.Scope()));
        Assert.Equal("expression_error", exception.Code);
        Assert.Equal(19, exception.Problem.Offset);
        Assert.StartsWith("The expression \"m.nme\" failed at character 3: There is no member \"nme\".", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void References_OfATemplate_AreThoseOfAllParts() =>
        Assert.Equal("a.b c", string.Join(' ', Sample.ParseTemplate("{{ a.b }} {{ c + a.b }}").References));

    [Fact]
    public void ValueTemplate_WithTemplates_KeepsNamesAndConstants()
    {
        var json = Sample.Json("""{ "{{ s }}": "{{ xs }}", "text": "n={{ i }}", "list": [1, "{{ n }}", { "x": "{{ m.a }}" }], "keep": { "a": [true, null, 1.50] } }""");
        Assert.True(ValueTemplate.TryParse(json, out var template, out _));
        Assert.Equal(
            """{"{{ s }}":[3,1,2],"text":"n=7","list":[1,null,{"x":1}],"keep":{"a":[true,null,1.50]}}""",
            template.Evaluate(Sample.Scope()).ToJson().GetRawText());
        Assert.Equal("xs i n m.a", string.Join(' ', template.References));
    }

    [Fact]
    public void ValueTemplate_Mistakes_AreReportedByPointer()
    {
        var json = Sample.Json("""{ "a/b": ["ok", "{{ 1 + }}"], "c": "{{ x }}" }""");
        Assert.False(ValueTemplate.TryParse(json, out _, out var problems));
        Assert.Equal([("/a~1b/1", 7)], problems.Select(problem => (problem.Pointer, problem.Problem.Offset)));

        Assert.True(ValueTemplate.TryParse(Sample.Json("""{ "c": ["{{ x }}"], "d": 1 }"""), out var template, out _));
        List<(string Pointer, ExpressionProblem Problem)> found = [];
        var type = template.Check(new ExpressionTypeScope(new Dictionary<string, ExpressionType>(StringComparer.Ordinal)), found);
        Assert.Equal(("/c/0", 3), (Assert.Single(found).Pointer, found[0].Problem.Offset));
        Assert.Same(ExpressionType.Int, type.Member("d"));
        Assert.Null(type.Member("e"));
    }

    [Fact]
    public void ValueTemplate_TooDeep_IsRefused()
    {
        var json = JsonElement.Parse(string.Concat(Enumerable.Repeat("[", 70)) + string.Concat(Enumerable.Repeat("]", 70)), new JsonDocumentOptions { MaxDepth = 100 });
        Assert.False(ValueTemplate.TryParse(json, out _, out var problems));
        Assert.Equal("The value is nested deeper than 64 levels.", Assert.Single(problems).Problem.Message);
    }
}
