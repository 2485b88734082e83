using System.Globalization;
using System.Text;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

/// <summary>The reducers: what they give, and that it makes no difference how writes are put together as long as their order stays.</summary>
[Trait("Row", "S12")]
public sealed class StateReducersTests
{
    [Theory]
    [InlineData("append", "[1]", "[]", "[1]")]
    [InlineData("append", "[1,{\"a\":[2]}]", "[null,[3]]", "[1,{\"a\":[2]},null,[3]]")]
    [InlineData("merge", "{\"a\":1,\"b\":{\"c\":1}}", "{\"b\":{\"d\":2},\"e\":null}", "{\"a\":1,\"b\":{\"d\":2},\"e\":null}")]
    [InlineData("merge", "{\"a\":1}", "{}", "{\"a\":1}")]
    [InlineData("sum", "1", "-3", "-2")]
    [InlineData("sum", "0.1", "0.2", "0.3")]
    [InlineData("sum", "1.5", "1.5", "3.0")]
    [InlineData("sum", "-0.5", "0.5", "0.0")]
    [InlineData("sum", "1", "-0.75", "0.25")]
    [InlineData("sum", "0.001", "-0.01", "-0.009")]
    [InlineData("sum", "1E+20", "1", "100000000000000000001.0")]
    [InlineData("sum", "1E+300", "1E+300", "2E+300")]
    [InlineData("sum", "1E-7", "3", "3.0000001")]
    [InlineData("sum", "9223372036854775807", "-9223372036854775808", "-1")]
    [InlineData("min", "2", "1.5", "1.5")]
    [InlineData("min", "1", "1.0", "1")]
    [InlineData("min", "null", "7", "7")]
    [InlineData("max", "9007199254740993", "9007199254740992.0", "9007199254740993")]
    [InlineData("max", "-1", "null", "-1")]
    [InlineData("replace", "1", "null", "null")]
    public void Combine_TwoWrites_GivesTheReducersValue(string reducer, string one, string other, string expected) =>
        Assert.Equal(expected, Text(StateReducers.Combine(ReducerOf(reducer), Parts(one), Parts(other))));

    [Theory]
    [InlineData("append")]
    [InlineData("merge")]
    [InlineData("sum")]
    [InlineData("min")]
    [InlineData("max")]
    [InlineData("replace")]
    public void Combine_InAnyGrouping_GivesTheSameAsOneAfterTheOther(string name)
    {
        var reducer = ReducerOf(name);
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var writes = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Parts(Any(reducer, random))).ToList();
            var expected = Text(writes.Aggregate(StateParts.Empty, (sum, write) => StateReducers.Combine(reducer, sum, write)));
            while (writes.Count > 1)
            {
                var at = random.Next(writes.Count - 1);
                writes[at] = StateReducers.Combine(reducer, writes[at], writes[at + 1]);
                writes.RemoveAt(at + 1);
            }

            Assert.Equal(expected, Text(writes[0]));
        }
    }

    [Fact]
    public void Combine_Sums_AreThoseOfDecimals()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var numbers = Enumerable.Range(0, 20).Select(_ => decimal.Round((decimal)(random.NextDouble() - 0.5) * 1_000, random.Next(1, 9))).ToList();
            var sum = numbers.Select(number => Parts(number.ToString(CultureInfo.InvariantCulture))).Aggregate((one, other) => StateReducers.Combine(StateReducer.Sum, one, other));

            Assert.Equal(numbers.Sum(), decimal.Parse(Text(sum), CultureInfo.InvariantCulture));
        }
    }

    [Theory]
    [InlineData("append", "{\"a\":1}", "[{\"a\":1}]")]
    [InlineData("append", "[[1],2]", "[[1],2]")]
    [InlineData("append", "null", "null")]
    [InlineData("sum", "1.50", "1.5")]
    [InlineData("sum", "2.0", "2.0")]
    [InlineData("sum", "1e2", "100.0")]
    [InlineData("max", "123456789012345678901", "1.2345678901234568E+20")]
    [InlineData("replace", "null", "null")]
    public void ToWrite_ValueThatFits_IsInTheFormThatIsKept(string reducer, string value, string expected) =>
        Assert.Equal(expected, StateReducers.ToWrite(new StateDefinition { Name = "s", Reducer = ReducerOf(reducer) }, Parts(value).Parts[0].Json!.Value).GetRawText());

    [Theory]
    [InlineData("merge", "[1]", "expected an object, found an array")]
    [InlineData("sum", "\"1\"", "expected a number of at most 64 bits, found a string")]
    [InlineData("min", "1e999", "expected a number of at most 64 bits, found a number")]
    public void ToWrite_ValueThatDoesNotFit_SaysWhy(string reducer, string value, string expected)
    {
        var failed = Assert.Throws<CallFailedException>(() => StateReducers.ToWrite(new StateDefinition { Name = "s", Reducer = ReducerOf(reducer) }, Parts(value).Parts[0].Json!.Value));

        Assert.Equal(ErrorCodes.StateInvalid, failed.Error.Code);
        Assert.Contains(expected, failed.Error.Message);
    }

    private static string Any(StateReducer reducer, Random random) => reducer switch
    {
        StateReducer.Append => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(10)))}]",
        StateReducer.Merge => $"{{{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(i => $"\"{(char)('a' + (2 * i) + random.Next(2))}\":{random.Next(10)}"))}}}",
        StateReducer.Replace => $"{random.Next(10)}",
        _ => random.Next(5) switch
        {
            0 => $"{random.Next(100)}",
            1 => $"{random.Next(100)}.{random.Next(1, 100):D2}",
            2 => $"-{random.Next(100)}.5",
            3 => $"{random.Next(1, 10)}E{(random.Next(2) == 0 ? "-" : "+")}{random.Next(30, 300)}",
            _ => $"{random.NextInt64()}",
        },
    };

    private static StateReducer ReducerOf(string name) => Enum.Parse<StateReducer>(name, ignoreCase: true);

    private static StateParts Parts(string json) => StateParts.Of(Payload.FromText(Encoding.UTF8.GetBytes(json)));

    private static string Text(StateParts parts) => Encoding.UTF8.GetString(Assert.Single(parts.Parts).Text);
}
