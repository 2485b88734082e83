namespace Polyphony.Expressions.Tests;

[Trait("Row", "O6")]
public sealed class ParseTests
{
    [Theory]
    [InlineData("", "0+0: The expression is empty.")]
    [InlineData("  ", "2+0: The expression is empty.")]
    [InlineData("a = 1", "2+1: Unexpected \"=\". Did you mean \"==\"?")]
    [InlineData("a === 1", "2+3: \"===\" is not an operator. Write \"==\".")]
    [InlineData("a !== 1", "2+3: \"!==\" is not an operator. Write \"!=\".")]
    [InlineData("a <> 1", "2+2: \"<>\" is not an operator. Write \"!=\".")]
    [InlineData("a => 1", "2+2: \"=>\" is not an operator. Write \">=\", or, for the items of an array, array.map(x, x.name).")]
    [InlineData("a & b", "2+1: Unexpected \"&\". Did you mean \"&&\"?")]
    [InlineData("a | b", "2+1: Unexpected \"|\". Did you mean \"||\"? There are no pipes: write x.join(', ') rather than x | join.")]
    [InlineData("a ?? b", "2+2: \"??\" is not an operator. Write coalesce(a, b).")]
    [InlineData("a?.b", "1+2: \"?.\" is not an operator. Test with has(a.b), or give a default with coalesce(a.b, 'none').")]
    [InlineData("a and b", "2+3: \"and\" is not an operator. Write \"&&\".")]
    [InlineData("not a or b", "0+3: \"not\" is not an operator. Write \"!\".|6+2: \"or\" is not an operator. Write \"||\".")]
    [InlineData("a = 1 and b = 2", "2+1: Unexpected \"=\". Did you mean \"==\"?|12+1: Unexpected \"=\". Did you mean \"==\"?|6+3: \"and\" is not an operator. Write \"&&\".")]
    [InlineData("a mod 2 == 0", "2+3: \"mod\" is not an operator. Write \"%\".")]
    [InlineData("a +", "3+0: The expression ends too early: expected a value.")]
    [InlineData("(a", "2+0: The expression ends too early: expected \")\".")]
    [InlineData("a)", "1+1: Unexpected \")\": expected the end of the expression.")]
    [InlineData("[1, 2", "5+0: The expression ends too early: expected \",\" or \"]\".")]
    [InlineData("[1 2]", "3+1: Unexpected \"2\": expected \",\" or \"]\".")]
    [InlineData("[,]", "1+1: Unexpected \",\": expected a value.")]
    [InlineData("{'a' 1}", "5+1: Unexpected \"1\": expected \":\" and the value of the key.")]
    [InlineData("{a: 1}", "1+1: The key of an object is an expression, and \"a\" would be a variable. Write it in quotes: 'a'. For a variable, write (a + '').")]
    [InlineData("a ? b", "5+0: The expression ends too early: expected \":\" and the value for when the condition is false.")]
    [InlineData("a b", "2+1: Unexpected \"b\": expected the end of the expression.")]
    [InlineData("a if b", "2+2: Unexpected \"if\": expected the end of the expression. Write condition ? a : b.")]
    [InlineData("'a' 'b'", "4+3: Unexpected a string: expected the end of the expression. Strings are joined with \"+\".")]
    [InlineData("'abc", "0+4: The text that begins with ' is not closed. Close it with ' on the same line; a line break within it is written \\n.")]
    [InlineData("\"a\nb\"", "0+2: The text that begins with \" is not closed. Close it with \" on the same line; a line break within it is written \\n.")]
    [InlineData("'\\d'", "1+2: \"\\d\" is no escape. A backslash is written \\\\, or the text as r'...'.")]
    [InlineData("'\\u12'", "1+4: The escape \"\\u12\" needs 4 digits.")]
    [InlineData("'\\ud800'", "1+6: The escape \"\\ud800\" is not a Unicode character.")]
    [InlineData("\u201Cx\u201D", "0+1: Unexpected character \"\u201C\". Use straight quotes: ' or \".")]
    [InlineData("$x", "0+1: Unexpected character \"$\". Write the name alone, without \"$\".")]
    [InlineData("a; b", "1+1: Unexpected character \";\". An expression is a single value; leave out the \";\".")]
    [InlineData("9223372036854775808", "0+19: The number doesn't fit into 64 bits. Write it with a fraction: 1e20 or 1.0.")]
    [InlineData("1e999", "0+5: The number is too large.")]
    [InlineData("1u", "0+2: \"1u\" is no number. There are no unsigned numbers: leave out the \"u\".")]
    [InlineData("1st", "0+3: \"1st\" is no number. A name can't begin with a digit.")]
    [InlineData("0x", "0+2: A hexadecimal number needs digits after \"0x\".")]
    [InlineData("a.0", "2+1: Expected a name after \".\". Write x[0] or x['name'].")]
    [InlineData("a.", "2+0: Expected a name after \".\".")]
    [InlineData("{{ a }}", "0+7: This is already an expression. Leave out the {{ and }}.")]
    public void TryParse_SyntaxError_SaysWhereWhatAndHow(string text, string expected) => Assert.Equal(expected, Problems(text));

    [Theory]
    [InlineData("len(x)", "0+3: There is no function \"len\". Write size(x).")]
    [InlineData("sise(x)", "0+4: There is no function \"sise\". Did you mean \"size\"?")]
    [InlineData("qqq(x)", "0+3: There is no function \"qqq\".")]
    [InlineData("contains(x, 'a')", "0+8: There is no function \"contains\". Write text.contains(part).")]
    [InlineData("filter(x, x)", "0+6: There is no function \"filter\". Write array.filter(item, ...).")]
    [InlineData("x.toJson()", "2+6: There is no function \"toJson\" that is called after a dot. Write toJson(x).")]
    [InlineData("x.toLower()", "2+7: There is no function \"toLower\" that is called after a dot. Write x.lowerAscii().")]
    [InlineData("x.any(y, y > 1)", "2+3: There is no function \"any\" that is called after a dot. Write x.exists(item, condition).")]
    [InlineData("x.joni(',')", "2+4: There is no function \"joni\" that is called after a dot. Did you mean \"join\"?")]
    [InlineData("size()", "0+4: size() takes 1 argument, found 0. Write size(x).")]
    [InlineData("x.replace('a')", "2+7: replace() takes 2 arguments, found 1. Write text.replace(old, new).")]
    [InlineData("x.join(',', 1)", "2+4: join() takes at most 1 argument, found 2. Write array.join(separator).")]
    [InlineData("x.substring()", "2+9: substring() takes 1 to 2 arguments, found 0. Write text.substring(from, to).")]
    [InlineData("x.trim(1)", "2+4: trim() takes no arguments, found 1. Write text.trim().")]
    [InlineData("has(x)", "0+6: has() needs one path to a member. Write has(a.b).")]
    [InlineData("coalesce(x)", "0+11: coalesce() needs two values or more. Write coalesce(x, default).")]
    [InlineData("x.map(y)", "6+1: map() takes a name for the item, and then what to do with it. Write array.map(item, value).")]
    [InlineData("x.all(y > 1)", "6+1: all() takes a name for the item, and then what to do with it. Write array.all(item, condition).")]
    [InlineData("x.map(y, y > 1, y)", "14+1: map() takes two arguments. Write array.filter(item, condition).map(item, value).")]
    [InlineData("x[0](1)", "4+1: Unexpected \"(\": only functions can be called.")]
    [InlineData("x.matches('(?=a)')", "10+7: The pattern \"(?=a)\" looks ahead, looks behind or refers back, which is not supported.")]
    [InlineData("x.matches('a{1,5000}')", "10+11: The pattern repeats too much: written out it is longer than 2000 characters.")]
    [InlineData("x.matches('((a{50}){50}){50}')", "10+19: The pattern repeats too much: written out it is longer than 2000 characters.")]
    [InlineData("x.matches('[')", "10+3: The pattern \"[\" is not a regular expression: Unterminated [] set.")]
    public void TryParse_WrongCall_SaysHowToCall(string text, string expected) => Assert.Equal(expected, Problems(text));

    [Fact]
    public void TryParse_TooLong_IsRefused()
    {
        var text = "'" + new string('a', ExpressionLimits.TextLength) + "'";
        Assert.Equal($"0+{text.Length}: The expression is longer than 16384 characters.", Problems(text));
    }

    [Theory]
    [InlineData("(", "1", ")", 63, 64)]
    [InlineData("[", "1", "]", 63, 64)]
    [InlineData("!", "true", "", 63, 64)]
    [InlineData("x.map(y, ", "1", ")", 63, 64)]
    [InlineData("true ? 1 : ", "2", "", 63, 64)]
    public void TryParse_Nesting_IsLimited(string open, string inner, string close, int allowed, int refused)
    {
        Assert.Equal("", Problems(Nest(allowed)));
        Assert.EndsWith("The expression is nested deeper than 64 levels.", Problems(Nest(refused)));
        Assert.EndsWith("The expression is nested deeper than 64 levels.", Problems(Nest(1400)));

        string Nest(int depth) => string.Concat(Enumerable.Repeat(open, depth)) + inner + string.Concat(Enumerable.Repeat(close, depth));
    }

    [Theory]
    [InlineData("1", " + 1")]
    [InlineData("x", ".a")]
    [InlineData("x", "[0]")]
    [InlineData("x", ".trim()")]
    [InlineData("true", " && true")]
    public void TryParse_Chains_AreLimited(string first, string link)
    {
        Assert.Equal("", Problems(first + string.Concat(Enumerable.Repeat(link, ExpressionLimits.Chain - 1))));
        Assert.Contains("more than 250 times", Problems(first + string.Concat(Enumerable.Repeat(link, ExpressionLimits.Chain))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nodes.plan.output.questions", "nodes.plan.output.questions")]
    [InlineData("nodes['plan'].output", "nodes.plan.output")]
    [InlineData("nodes.plan.output[0].x", "nodes.plan.output")]
    [InlineData("nodes[input.name].x", "input.name nodes")]
    [InlineData("has(a.b.c) && a.b.d.size() > 1", "a.b.c a.b.d")]
    [InlineData("xs.map(x, x.y + z.w)", "z.w xs")]
    [InlineData("a.b + a.b + a", "a.b a")]
    [InlineData("coalesce(a.b, 1)", "a.b")]
    [InlineData("1 + 2", "")]
    [InlineData("x.filter(x, x.y == 1)", "x")]
    public void References_OfAnExpression_AreTheFixedPaths(string text, string expected) => Assert.Equal(expected, string.Join(' ', Sample.Parse(text).References));

    private static string Problems(string text)
    {
        var parsed = Expression.TryParse(text, out var expression, out var problems);
        Assert.Equal(parsed, problems.Count == 0);
        Assert.Equal(parsed, expression is not null);
        return string.Join('|', problems.Select(problem => $"{problem.Offset}+{problem.Length}: {problem.Message}{(problem.Hint is null ? "" : " " + problem.Hint)}"));
    }
}
