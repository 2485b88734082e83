using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "B1")]
public sealed class YamlSourceTests
{
    [Theory]
    [InlineData("true", true)]
    [InlineData("False", false)]
    [InlineData("yes", "yes")]
    [InlineData("on", "on")]
    [InlineData("null", null)]
    [InlineData("~", null)]
    [InlineData("", null)]
    [InlineData("42", 42L)]
    [InlineData("-7", -7L)]
    [InlineData("+7", 7L)]
    [InlineData("007", 7L)]
    [InlineData("0o17", 15L)]
    [InlineData("0xfF", 255L)]
    [InlineData("0x", "0x")]
    [InlineData("9223372036854775807", 9223372036854775807L)]
    [InlineData("9223372036854775808", 9223372036854775808d)]
    [InlineData("1.5", 1.5)]
    [InlineData(".5", 0.5)]
    [InlineData("5.", 5d)]
    [InlineData("1e3", 1000d)]
    [InlineData("1_000", "1_000")]
    [InlineData("1.2.3", "1.2.3")]
    [InlineData("12:30", "12:30")]
    [InlineData("2026-12-24", "2026-12-24")]
    [InlineData("\"42\"", "42")]
    [InlineData("'true'", "true")]
    [InlineData("\"\"", "")]
    public void Read_Scalar_HasTheTypeOfTheCoreSchema(string written, object? expected)
    {
        var root = Assert.IsType<SourceMapping>(YamlSource.Read("x: " + written).Root);

        Assert.Equal(expected, Assert.IsType<SourceScalar>(root.Entries[0].Value).Value);
    }

    [Fact]
    public void Read_Json_GivesTheSameAsTheJsonReader()
    {
        const string text = """
            {
              "name": "t", "nodes": { "a": { "transform": [1, -2.5, true, null, "say \"hi\" \u00e9\n", {}] } }
            }
            """;

        var yaml = YamlSource.Read(text);
        var json = JsonSource.Read(text);

        Assert.Empty(yaml.Problems);
        Assert.Equal(Describe(json.Root!), Describe(yaml.Root!));
    }

    [Fact]
    public void Read_Alias_GivesTheAnchoredValue()
    {
        var root = (SourceMapping)YamlSource.Read("a: &x { n: 1 }\nb: *x\n").Root!;

        Assert.Same(root.Entries[0].Value, root.Entries[1].Value);
    }

    [Theory]
    [InlineData("x: abc", 2, 1, 6)]
    [InlineData("x: 'abc'", 2, 1, 7)]
    [InlineData("x: 'a''b'", 2, 1, 8)] // the quote within takes two columns
    [InlineData("x: \"a\\tb\"", 2, 1, 8)] // \t takes two
    [InlineData("x: \"\\u00e9b\"", 1, 1, 11)]
    [InlineData("x: \"\\U0001F600b\"", 2, 1, 15)] // two halves, one escape
    [InlineData("x: |\n  abc\n  def\n", 5, 3, 4)] // "abc\ndef\n": the e
    [InlineData("x: |2\n    abc\n", 3, 2, 6)] // "  abc": the b
    [InlineData("x: >-\n  abc\n  def\n\n  ghi\n", 8, 5, 3)] // "abc def\nghi": the g
    [InlineData("x: abc\n  def\n", 4, 2, 3)] // a plain text over two lines
    [InlineData("x: \"abc\n  def\"\n", 6, 2, 5)]
    public void LocationOf_Offset_IsThePlaceInTheFile(string yaml, int offset, int line, int column)
    {
        var root = (SourceMapping)YamlSource.Read(yaml).Root!;

        Assert.Equal(new SourceLocation(line, column), ((SourceScalar)root.Entries[0].Value).LocationOf(offset));
    }

    [Fact]
    public void Read_WindowsLineEnds_KeepsPlaces()
    {
        var root = (SourceMapping)YamlSource.Read("\uFEFFa: 1\r\nb: |\r\n  one\r\n  two\r\n").Root!;

        Assert.Equal(new SourceLocation(2, 1), root.Entries[1].KeyLocation);
        Assert.Equal(new SourceLocation(4, 3), ((SourceScalar)root.Entries[1].Value).LocationOf("one\n".Length));
    }

    [Fact]
    public void Read_FileAboveOneMegabyte_IsAProblem() =>
        Assert.Equal("file_too_large", Assert.Single(YamlSource.Read("# " + new string('x', SourceLimits.MaxBytes)).Problems).Code);

    [Theory]
    [InlineData("x: \"\\ud800\"")]
    [InlineData("x: \"\\udc00\\ud800\"")]
    public void Read_HalfOfACharacter_IsAProblem(string yaml) => Assert.Equal("yaml_syntax", Assert.Single(YamlSource.Read(yaml).Problems).Code);

    [Theory]
    [InlineData(" : y")]
    [InlineData("a:\n   :  type: object\n  b: 1\n")]
    public void Read_KeyWithoutAText_IsAProblem(string yaml) => Assert.Contains("yaml_syntax", YamlSource.Read(yaml).Problems.Select(problem => problem.Code));

    [Fact]
    public void Read_SeveralUnsupportedThings_AreAllReported() =>
        Assert.Equal(3, YamlSource.Read("a: !!str 1\nb: { <<: x }\n? [k]\n: 1\n").Problems.Count);

    private static string Describe(SourceNode node) => node switch
    {
        SourceMapping map => $"{map.Location}{{{string.Join(",", map.Entries.Select(entry => $"{entry.Key}@{entry.KeyLocation}:{Describe(entry.Value)}"))}}}",
        SourceSequence list => $"{list.Location}[{string.Join(",", list.Items.Select(Describe))}]",
        SourceScalar scalar => $"{scalar.Location}{scalar.Value?.GetType().Name}:{scalar.Value}@{scalar.LocationOf(0)}",
        _ => throw new InvalidOperationException(),
    };
}
