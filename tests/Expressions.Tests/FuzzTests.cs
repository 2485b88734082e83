using System.Text;
using System.Text.Json;
using Polyphony.TestKit.Fuzzing;

namespace Polyphony.Expressions.Tests;

/// <summary>Whatever the text, parsing and checking never throw, and evaluating throws nothing but its own exception.</summary>
[Trait("Row", "O6")]
public sealed class FuzzTests
{
    private static readonly string[] Tokens =
    [
        "i", "d", "s", "t", "n", "xs", "m", "names", "people", "none", "big", "huge", "smile", "missing", "null", "true", "false", "0", "1", "2", "-1", "1.5", "9223372036854775807", "'a'", "''", "\"b\"",
        "'😀'", "r'\\d'", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "&&", "||", "!", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", " in ", "=", "and", "not ", "{{", "}}",
        "size(", "has(", "coalesce(", "int(", "double(", "string(", "bool(", "toJson(", "parseJson(", ".size()", ".map(x, ", ".filter(x, ", ".exists(x, ", ".all(x, ", ".exists_one(x, ", ".sortBy(x, ", "x",
        ".a", ".b", ".c", ".name", ".age", "['a']", "[0]", "[1]", ".join(',')", ".first(1)", ".last()", ".distinct()", ".sort()", ".flatten()", ".sum()", ".min()", ".max()", ".reverse()", ".split('')",
        ".trim()", ".lowerAscii()", ".replace('a', 'b')", ".substring(1)", ".matches('a+')", ".contains('a')", ".startsWith(s)", ".indexOf('l')", "\\", "'", "\"", "\n", " ",
    ];

    private static readonly ExpressionTypeScope Types = new(Sample.Json(Sample.Variables).EnumerateObject()
        .ToDictionary(member => member.Name, member => ExpressionType.Of(ExpressionValue.FromJson(member.Value)), StringComparer.Ordinal));

    [Fact]
    public void TryParse_RandomCharacters_NeverThrows() => Assert.True(Fuzz.Check(20260101, 20_000, Characters, Try) >= 20_000);

    [Fact]
    public void TryParse_RandomTokens_NeverThrows() =>
        Assert.True(Fuzz.Check(20260102, 30_000, random => string.Concat(Enumerable.Range(0, random.Next(1, 25)).Select(_ => Tokens[random.Next(Tokens.Length)])), Try) >= 30_000);

    [Fact]
    public void Evaluate_RandomExpressions_FailsOnlyAsDocumentedAndAgreesWithItsType()
    {
        var scope = Sample.Scope();
        var evaluated = 0;
        Fuzz.Check(20260103, 6_000, random => Generate(random, 4), text =>
        {
            // What is left of an expression that is shrunk need not be one.
            if (!Expression.TryParse(text, out var expression, out _))
            {
                return;
            }

            List<ExpressionProblem> found = [];
            var type = expression.Check(Types, found);
            ExpressionValue value;
            try
            {
                value = expression.Evaluate(scope);
            }
            catch (ExpressionException)
            {
                return;
            }

            evaluated++;
            Assert.True(type.CanBe(ExpressionType.Of(value)) && type.CanEqual(ExpressionType.Of(value)), $"{text}: {type} expected, {value} found");
            Assert.True(JsonElement.DeepEquals(JsonElement.Parse(value.ToString()!), value.ToJson()), text);
        });
        Assert.True(evaluated > 600, $"Only {evaluated} expressions had a value.");
    }

    /// <summary>A comparison that is refused because it is always the same is the same whatever the values are.</summary>
    [Fact]
    public void Check_RandomComparisons_RefusesOnlyWhatIsNeverTrue()
    {
        var scope = Sample.Scope();
        var refused = 0;
        Fuzz.Check(20260104, 10_000, random => $"{Literal(random, 3)} {Pick(random, "==", "==", "in")} {Literal(random, 3)}", text =>
        {
            List<ExpressionProblem> found = [];
            if (!Expression.TryParse(text, out var expression, out _))
            {
                return;
            }

            expression.Check(Types, found);
            if (!found.Exists(problem => problem.Message.Contains(" never ", StringComparison.Ordinal)))
            {
                return;
            }

            refused++;
            Ignore(() =>
            {
                Assert.False(expression.EvaluateCondition(scope), text);
                return "";
            });
        });
        Assert.True(refused > 500, $"Only {refused} comparisons were refused.");
    }

    private static string Literal(Random random, int depth) => random.Next(depth == 0 ? 7 : 10) switch
    {
        0 => "1",
        1 => "1.0",
        2 => "'1'",
        3 => "null",
        4 => "true",
        5 => Pick(random, "i", "d", "s", "xs", "m", "n", "names"),
        6 => "[]",
        7 => $"[{Literal(random, depth - 1)}, {Literal(random, depth - 1)}]",
        8 => $"[{Literal(random, depth - 1)}]",
        _ => $"{{'a': {Literal(random, depth - 1)}}}",
    };

    private static string Characters(Random random)
    {
        var builder = new StringBuilder();
        for (var length = random.Next(60); length > 0; length--)
        {
            builder.Append(random.Next(8) == 0 ? (char)random.Next(0x10000) : (char)random.Next(1, 127));
        }

        return builder.ToString();
    }

    private static void Try(string text)
    {
        if (Expression.TryParse(text, out var expression, out var problems))
        {
            Run(expression);
        }

        foreach (var problem in problems)
        {
            Assert.True(problem.Offset >= 0 && problem.Length >= 0 && problem.Offset + problem.Length <= text.Length, $"{text}: {problem}");
        }

        if (Template.TryParse($"a {{{{ {text} }}}} b", out var template, out _))
        {
            template.Check(Types, []);
            Ignore(() => template.Render(Sample.Scope()));
        }

        _ = Template.TryParse(text, out _, out _);
    }

    private static void Run(Expression expression)
    {
        expression.Check(Types, []);
        Ignore(() => expression.Evaluate(Sample.Scope()));
    }

    private static void Ignore(Func<object> action)
    {
        try
        {
            action();
        }
        catch (ExpressionException)
        {
            // What random text means often fails.
        }
    }

    private static string Generate(Random random, int depth)
    {
        if (depth == 0 || random.Next(6) == 0)
        {
            return Pick(random, "i", "d", "s", "t", "f", "n", "xs", "m", "names", "people", "none", "1", "2.5", "'a'", "m.a", "m.b.c", "xs[1]", "people[0].name", "whole", "smile");
        }

        string Part() => Generate(random, depth - 1);
        return random.Next(14) switch
        {
            0 => $"({Part()} {Pick(random, "+", "-", "*", "/", "%")} {Part()})",
            1 => $"({Part()} {Pick(random, "==", "!=", "<", "<=", ">", ">=")} {Part()})",
            2 => $"({Part()} {Pick(random, "&&", "||")} {Part()})",
            3 => $"({Part()} ? {Part()} : {Part()})",
            4 => $"({Part()} in {Part()})",
            5 => $"[{Part()}, {Part()}]",
            6 => $"{{'a': {Part()}, 'b': {Part()}}}",
            7 => $"({Part()}).{Pick(random, "map", "filter", "exists", "all", "exists_one", "sortBy")}(x, {Pick(random, "x", "x == 1", "x > 1", "size(x) > 1", "x.age", "true", Part())})",
            8 => $"({Part()}).{Pick(random, "distinct()", "sort()", "reverse()", "flatten()", "sum()", "min()", "max()", "first()", "last(1)", "first(2)", "join(',')")}",
            9 => $"({Part()}).{Pick(random, "trim()", "lowerAscii()", "upperAscii()", "split('l')", "replace('l', 'm')", "substring(1)", "contains('l')", "matches('l+')", "indexOf('l')", "size()")}",
            10 => $"{Pick(random, "size", "int", "double", "string", "bool", "toJson", "parseJson")}({Part()})",
            11 => $"coalesce({Part()}, {Part()})",
            12 => $"has(({Part()}).a)",
            _ => $"{Pick(random, "!", "-")}({Part()})",
        };
    }

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}
