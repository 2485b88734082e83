using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "B1")]
public sealed class JsonSourceTests
{
    [Fact]
    public void Read_Values_KeepPlacesInCharacters()
    {
        var root = (SourceMapping)JsonSource.Read("{ \"é\": [1,\n  \"\U0001F600\", -2.5] }").Root!;

        var list = (SourceSequence)root.Entries[0].Value;
        Assert.Equal(("é", new SourceLocation(1, 3)), (root.Entries[0].Key, root.Entries[0].KeyLocation));
        Assert.Equal(new SourceLocation(1, 8), list.Location);
        Assert.Equal((1L, new SourceLocation(1, 9)), (((SourceScalar)list.Items[0]).Value, list.Items[0].Location));
        Assert.Equal(("\U0001F600", new SourceLocation(2, 3)), (((SourceScalar)list.Items[1]).Value, list.Items[1].Location));

        // The smile takes two UTF-16 units, which is how editors count.
        Assert.Equal((-2.5, new SourceLocation(2, 9)), (((SourceScalar)list.Items[2]).Value, list.Items[2].Location));
    }

    [Fact]
    public void LocationOf_TextWithEscapes_CountsThem()
    {
        var root = (SourceMapping)JsonSource.Read("""{ "a": "\u00e9\n\"x" }""").Root!;

        // é takes six columns from 9 on, \n two, \" two: the x stands in 19.
        Assert.Equal(new SourceLocation(1, 19), ((SourceScalar)root.Entries[0].Value).LocationOf(3));
    }

    [Theory]
    [InlineData("", "empty_file", 1, 1)]
    [InlineData("{ \"a\": 1,\n  }", "json_syntax", 2, 3)]
    [InlineData("{ // no\n}", "json_syntax", 1, 3)]
    [InlineData("{ \"a\": \"\\ud800\" }", "invalid_text", 1, 8)]
    [InlineData("{} {}", "json_syntax", 1, 4)]
    [InlineData("{ \"é\": tru }", "json_syntax", 1, 11)]
    public void Read_BrokenJson_IsAProblemWithItsPlace(string text, string code, int line, int column)
    {
        var problem = Assert.Single(JsonSource.Read(text).Problems);

        Assert.Equal((code, new SourceLocation(line, column)), (problem.Code, problem.Location));
    }

    [Fact]
    public void Read_TooDeep_IsAProblem() => Assert.Equal("too_deep", Assert.Single(JsonSource.Read(new string('[', 65) + new string(']', 65)).Problems).Code);

    [Fact]
    public void Read_KeyTwice_IsKeptForTheParser() =>
        Assert.Equal("duplicate_key", Assert.Single(WorkflowParser.Parse(JsonSource.Read("""{ "name": "t", "name": "t", "nodes": { "a": { "transform": 1 } } }""").Root!).Problems).Code);
}
