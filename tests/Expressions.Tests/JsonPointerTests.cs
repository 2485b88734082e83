using System.Text.Json;

namespace Polyphony.Expressions.Tests;

[Trait("Exempt", "a building block of several rows")]
public sealed class JsonPointerTests
{
    // RFC 6901, section 5; and what its section 4 says of indexes.
    private static readonly JsonElement Document = JsonElement.Parse("""{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8," ":7,"list":[[10,11],{"x":12}]}""");

    [Theory]
    [InlineData("/foo", """["bar","baz"]""")]
    [InlineData("/foo/0", "\"bar\"")]
    [InlineData("/", "0")]
    [InlineData("/a~1b", "1")]
    [InlineData("/c%d", "2")]
    [InlineData("/m~0n", "8")]
    [InlineData("/ ", "7")]
    [InlineData("/list/0/1", "11")]
    [InlineData("/list/1/x", "12")]
    public void Find_WhatIsThere_GivesIt(string pointer, string expected) => Assert.Equal(expected, JsonPointer.Find(Document, pointer)?.GetRawText());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Find_NoPointer_GivesTheWhole(string? pointer) => Assert.Equal(JsonValueKind.Object, JsonPointer.Find(Document, pointer)?.ValueKind);

    [Theory]
    [InlineData("/foo/2")]
    [InlineData("/foo/-")]
    [InlineData("/foo/-1")]
    [InlineData("/foo/01")]
    [InlineData("/foo/+1")]
    [InlineData("/foo/ 1")]
    [InlineData("/foo/0/x")]
    [InlineData("/nothing")]
    public void Find_WhatIsNotThere_GivesNull(string pointer) => Assert.Null(JsonPointer.Find(Document, pointer));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a/b~c", "a~1b~0c")]
    [InlineData("~1", "~01")]
    public void Escape_AndParts_AreInverse(string name, string escaped)
    {
        Assert.Equal(escaped, JsonPointer.Escape(name));
        Assert.Equal([name, "x"], JsonPointer.Parts($"/{escaped}/x"));
    }
}
