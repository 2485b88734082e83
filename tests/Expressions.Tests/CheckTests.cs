using Polyphony.Expressions.Schemas;

namespace Polyphony.Expressions.Tests;

[Trait("Row", "O6")]
public sealed class CheckTests
{
    private const string Schema = """
        {
          "type": "object",
          "properties": {
            "topic": { "type": "string" },
            "count": { "type": "integer" },
            "score": { "type": "number" },
            "accepted": { "type": "boolean" },
            "note": { "type": ["string", "null"] },
            "tags": { "type": "array", "items": { "type": "string" } },
            "people": { "type": "array", "items": { "type": "object", "properties": { "name": { "type": "string" }, "age": { "type": "integer" } } } },
            "open": { "type": "object", "properties": { "known": { "type": "string" } }, "additionalProperties": true },
            "free": { "type": "object" },
            "prices": { "type": "object", "additionalProperties": { "type": "number" } },
            "level": { "enum": ["low", "high"] },
            "either": { "anyOf": [ { "type": "object", "properties": { "left": { "type": "string" } } }, { "type": "object", "properties": { "right": { "type": "integer" } } } ] },
            "anything": true,
            "counts": { "type": "array", "items": { "type": "integer" } },
            "grid": { "type": "array", "items": { "type": "array", "items": { "type": "integer" } } },
            "full": { "type": "array", "items": { "type": "integer" }, "minItems": 1 },
            "scores": { "type": "object", "properties": { "best": { "type": "integer" } } },
            "countsOrText": { "anyOf": [ { "type": "string" }, { "type": "array", "items": { "type": "integer" } } ] },
            "maybeCounts": { "type": ["array", "null"], "items": { "type": ["integer", "null"] } },
            "pair": { "type": "array", "prefixItems": [ { "type": "string" } ], "items": { "type": "integer" } }
          }
        }
        """;

    private static readonly ExpressionTypeScope Scope = new(new Dictionary<string, ExpressionType>(StringComparer.Ordinal)
    {
        ["input"] = InputType(),
        ["item"] = ExpressionType.Any,
    });

    [Theory]
    [Trait("Row", "B1")]
    [InlineData("input", "object")]
    [InlineData("input.topic", "string")]
    [InlineData("input.count + 1", "int")]
    [InlineData("input.score + 1", "number")]
    [InlineData("input.count / 2.0", "double")]
    [InlineData("input.score < 8", "bool")]
    [InlineData("input.accepted && input.count > 1", "bool")]
    [InlineData("input.note", "string or null")]
    [InlineData("input.note == null ? 'none' : input.note", "string or null")]
    [InlineData("coalesce(input.note, 'none')", "string")]
    [InlineData("input.tags", "array(string)")]
    [InlineData("input.tags[0]", "string")]
    [InlineData("input.tags.map(t, size(t))", "array(int)")]
    [InlineData("input.people.map(p, p.age).sum()", "int")]
    [InlineData("input.people.filter(p, p.age > 3)", "array(object)")]
    [InlineData("input.open.unknown", "any")]
    [InlineData("input.free.unknown.x", "any")]
    [InlineData("input.prices.apple * 2", "number")]
    [InlineData("input.prices.map(name, name)", "array(string)")]
    [InlineData("input.level == 'low'", "bool")]
    [InlineData("input.either.left", "string")]
    [InlineData("input.either.right + 1", "int")]
    [InlineData("input.anything.x[0] + 1", "number")]
    [InlineData("input.anything.x + input.anything.y", "number, string or array")]
    [InlineData("item.whatever > 3", "bool")]
    [InlineData("input.accepted ? 1 : 'a'", "int or string")]
    [InlineData("[1, 2.5]", "array(number)")]
    [InlineData("[]", "array")]
    [InlineData("{'a': 1}.a", "int")]
    [InlineData("input.tags + ['x']", "array(string)")]
    [InlineData("[[1], [2]].flatten()", "array(int)")]
    [InlineData("input.tags.first(2)", "array(string)")]
    [InlineData("input.topic.first(2)", "string")]
    [InlineData("input.tags.first()", "string")]
    [InlineData("parseJson(input.topic)", "any")]
    [InlineData("has(input.note)", "bool")]
    [InlineData("input.tags == null", "bool")]
    [InlineData("input.score == 8", "bool")]
    [InlineData("-input.count", "int")]
    [InlineData("input.counts == [1.0, 2.0]", "bool")]
    [InlineData("[1, 2] == [1.0, 2.0]", "bool")]
    [InlineData("[1.5] != input.counts", "bool")]
    [InlineData("input.grid == [[1.0], [2.5, 3]]", "bool")]
    [InlineData("[[1]] == [[1.0]]", "bool")]
    [InlineData("[1.0] in input.grid", "bool")]
    [InlineData("1.0 in input.counts", "bool")]
    [InlineData("[1.0] in [[1]]", "bool")]
    [InlineData("input.scores == {'best': 1.0}", "bool")]
    [InlineData("[{'a': 1}] == [{'a': 1.0}]", "bool")]
    [InlineData("input.countsOrText == [1.0]", "bool")]
    [InlineData("input.maybeCounts == [null, 2.0]", "bool")]
    [InlineData("input.counts == [null]", "bool")]
    [InlineData("null in input.counts", "bool")]
    [InlineData("(input.accepted ? input.counts : [0.5]) == [2.0]", "bool")]
    [InlineData("(input.accepted ? 'none' : input.counts) == [2.0]", "bool")]
    [InlineData("input.pair == ['a', 1.0]", "bool")]
    [InlineData("input.counts.map(c, c / 2.0) == [1, 2]", "bool")]
    [InlineData("[[1], ['a']].flatten() == [1.0, 'a']", "bool")]
    [InlineData("input.tags == input.counts", "bool")]
    [InlineData("input.tags == []", "bool")]
    [InlineData("input.counts == input.tags.filter(t, t == 'x')", "bool")]
    public void Check_ValidExpression_FindsTheType(string text, string expected)
    {
        List<ExpressionProblem> problems = [];
        var type = Sample.Parse(text).Check(Scope, problems);
        Assert.Empty(problems);
        Assert.Equal(expected, type.ToString());
    }

    [Theory]
    [Trait("Row", "B1")]
    [InlineData("inptu.topic", "0+5: There is no variable \"inptu\" here. Did you mean \"input\"?")]
    [InlineData("topic", "0+5: There is no variable \"topic\" here. Known here: input, item. A string is written in quotes: 'topic'.")]
    [InlineData("input.topc", "6+4: There is no member \"topc\". Did you mean \"topic\"?")]
    [InlineData("input['topc']", "6+6: There is no member \"topc\". Did you mean \"topic\"?")]
    [InlineData("input.people[0].address", "16+7: There is no member \"address\". It has: age, name.")]
    [InlineData("input.people.map(p, p.nme)", "22+3: There is no member \"nme\". Did you mean \"name\"?")]
    [InlineData("input.people.name", "13+4: An array(object) has no members, so there is no \"name\". Take an item with x[0], or this of every item with x.map(i, i.name).")]
    [InlineData("input.topic.x", "12+1: A string has no members, so there is no \"x\". If it is JSON in a string, write parseJson(x).")]
    [InlineData("input.either.middle", "13+6: There is no member \"middle\". It has: left, right.")]
    [InlineData("has(input.nte)", "10+3: There is no member \"nte\". Did you mean \"note\"?")]
    [InlineData("input.topic + 1", "12+1: \"+\" adds two numbers, two strings or two arrays, found string and int. Convert to a string with string(x) or toJson(x).")]
    [InlineData("input.topic * 2", "12+1: \"*\" needs two numbers, found string and int. Convert the string with int(x) or double(x).")]
    [InlineData("input.topic < 8", "12+1: \"<\" compares two numbers or two strings, found string and int. Convert the string with int(x) or double(x).")]
    [InlineData("input.tags > 3", "11+1: \">\" compares two numbers or two strings, found array(string) and int. Compare the size: size(x) > 0.")]
    [InlineData("1 < input.count < 5", "16+1: \"<\" compares two numbers or two strings, found bool and int. Write a < b && b < c.")]
    [InlineData("input.count == '8'", "0+18: Int and string are never equal, so this is always false. A number stands without quotes; convert with int(x), double(x) or string(x).")]
    [InlineData("input.tags != 'a'", "0+17: Array(string) and string are never equal, so this is always true.")]
    [InlineData("input.counts == ['a']", "0+21: Array(int) and array(string) are never equal, so this is always false.")]
    [InlineData("[1] == ['a']", "0+12: Array(int) and array(string) are never equal, so this is always false.")]
    [InlineData("[[1]] == [['1.0']]", "0+18: Array(array(int)) and array(array(string)) are never equal, so this is always false.")]
    [InlineData("['a'] in [[1]]", "0+14: The items are array(int), so array(string) is never among them.")]
    [InlineData("input.note == 5", "0+15: String or null and int are never equal, so this is always false.")]
    [InlineData("input.countsOrText == true", "0+26: String or array(int) and bool are never equal, so this is always false.")]
    [InlineData("input.topic && true", "0+11: A side of \"&&\" must be a bool, found string. Compare it: x != ''.")]
    [InlineData("!input.count", "1+11: What follows \"!\" must be a bool, found int. Compare it: x != 0.")]
    [InlineData("input.tags ? 1 : 2", "0+10: What stands before \"?\" must be a bool, found array(string). Compare its size: size(x) > 0.")]
    [InlineData("3 in input.tags", "0+15: The items are string, so int is never among them.")]
    [InlineData("'a' in input.topic", "7+11: The value after \"in\" must be an array or an object, found string. A part of a string is found with x.contains(y).")]
    [InlineData("input.topic.map(x, x)", "0+21: map() needs an array or an object, found string.")]
    [InlineData("input.tags.filter(t, size(t))", "21+7: The condition of filter() must be a bool, found int. Compare it: x != 0.")]
    [InlineData("input.tags['a']", "11+3: An array(string) has no members, so there is no \"a\". Take an item with x[0], or this of every item with x.map(i, i.a).")]
    [InlineData("input.tags[input.topic]", "11+11: The index must be number, found string.")]
    [InlineData("input.count[0]", "0+14: Only an array or an object can be indexed, found int.")]
    [InlineData("input.count.trim()", "0+11: What stands before .trim() must be a string, found int. Convert it with string(x).")]
    [InlineData("input.tags.contains('a')", "0+10: What stands before .contains() must be a string, found array(string). Write item in array.")]
    [InlineData("input.topic.replace('a', 1)", "25+1: Argument 2 of replace() must be a string, found int. Convert it with string(x).")]
    [InlineData("size(input.count)", "5+11: The argument of size() must be a string, array or object, found int. Convert it with string(x).")]
    [InlineData("input.count.matches('a')", "0+11: The value before .matches() must be a string, found int.")]
    [InlineData("-input.topic", "0+12: \"-\" needs a number, found string.")]
    [InlineData("{'a': 1, 'a': 2}", "9+3: The object has the key \"a\" twice.")]
    [InlineData("{1: 2}", "1+1: The key of an object must be a string, found int. Write it in quotes, or convert it with string(x).")]
    public void Check_Mistake_IsReportedOnce(string text, string expected)
    {
        List<ExpressionProblem> problems = [];
        Sample.Parse(text).Check(Scope, problems);
        Assert.Equal(expected, string.Join('|', problems.Select(Format)));
    }

    [Fact]
    public void Check_SeveralMistakes_AreAllReported()
    {
        List<ExpressionProblem> problems = [];
        Sample.Parse("input.topc == 'a' && inptu.x || input.count < 'z'").Check(Scope, problems);
        Assert.Equal([6, 21, 44], problems.Select(problem => problem.Offset));
    }

    [Theory]
    [InlineData("input.accepted", "")]
    [InlineData("item", "")]
    [InlineData("input.count", "0+11: A condition must be a bool, found int. Compare it: x != 0.")]
    [InlineData("input.tags", "0+10: A condition must be a bool, found array(string). Compare its size: size(x) > 0.")]
    public void CheckCondition_OfAnyType_DemandsABool(string text, string expected)
    {
        List<ExpressionProblem> problems = [];
        Sample.Parse(text).CheckCondition(Scope, problems);
        Assert.Equal(expected, string.Join('|', problems.Select(Format)));
    }

    [Fact]
    public void CanBe_OfTypes_ComparesWhatMayBe()
    {
        var nullable = ExpressionType.Union(ExpressionType.String, ExpressionType.Null);
        Assert.True(nullable.CanBe(ExpressionType.String));
        Assert.False(nullable.CanBe(ExpressionType.Bool));
        Assert.True(ExpressionType.Any.CanBe(ExpressionType.Bool));
        Assert.True(ExpressionType.ListOf(ExpressionType.Any).CanBe(ExpressionType.ListOf(ExpressionType.Int)));
        Assert.True(ExpressionType.AnyList.CanBe(ExpressionType.AnyList));
        Assert.False(ExpressionType.AnyMap.CanBe(ExpressionType.AnyList));
        Assert.True(ExpressionType.Int.CanBe(ExpressionType.Number));
    }

    [Fact]
    public void CanEqual_OfTypes_ComparesAsTheOperatorDoes()
    {
        Assert.True(ExpressionType.ListOf(ExpressionType.Int).CanEqual(ExpressionType.ListOf(ExpressionType.Double)));
        Assert.True(ExpressionType.ListOf(ExpressionType.Int).CanEqual(ExpressionType.ListOf(ExpressionType.String)));
        Assert.False(ExpressionType.ListOf(ExpressionType.Int, isNonEmpty: true).CanEqual(ExpressionType.ListOf(ExpressionType.String)));
        Assert.True(ExpressionType.Null.CanEqual(ExpressionType.Int));
        Assert.False(ExpressionType.Union(ExpressionType.Null, ExpressionType.String).CanEqual(ExpressionType.Int));
        Assert.True(ExpressionType.Any.CanEqual(ExpressionType.Int));
        Assert.False(ExpressionType.AnyMap.CanEqual(ExpressionType.AnyList));
    }

    /// <summary>More alternatives than are kept apart still have all their members.</summary>
    [Fact]
    public void Union_OfManyTypes_KeepsTheMembers()
    {
        var union = ExpressionType.Union(Enumerable.Range(0, 40)
            .Select(i => ExpressionType.Object(new Dictionary<string, ExpressionType>(StringComparer.Ordinal) { ["kind"] = ExpressionType.String, [$"m{i}"] = ExpressionType.Int }))
            .Append(ExpressionType.Null).Append(ExpressionType.ListOf(ExpressionType.Bool)));
        Assert.Equal(["string", "int", "int"], new[] { "kind", "m0", "m39" }.Select(name => union.Member(name)!.ToString()));
        Assert.Null(union.Member("m40"));
        Assert.Equal("bool", union.ListElement()!.ToString());
    }

    [Fact]
    public void With_NewVariable_LeavesTheScopeUnchanged()
    {
        var wider = Scope.With("index", ExpressionType.Int);
        Assert.Same(ExpressionType.Int, wider.Variables["index"]);
        Assert.False(Scope.Variables.ContainsKey("index"));
    }

    private static string Format(ExpressionProblem problem) => $"{problem.Offset}+{problem.Length}: {problem.Message}{(problem.Hint is null ? "" : " " + problem.Hint)}";

    private static ExpressionType InputType()
    {
        Assert.True(JsonSchema.TryParse(Sample.Json(Schema), out var schema, out _));
        return schema.ToExpressionType();
    }
}
