using System.Text;
using Polyphony.Core.Json;

namespace Polyphony.Core.Tests.Json;

[Trait("Row", "H1")]
[Trait("Row", "T4")]
public sealed class StrictJsonTests
{
    public static TheoryData<byte[], string> Refused => new()
    {
        { Latin("{\"t\":\"caf\u00e9\"}"), "byte 0xE9 at offset 9" },
        { "{\"t\":\""u8.ToArray().Append((byte)0xC3).Append((byte)'"').Append((byte)'}').ToArray(), "byte 0xC3 at offset 6" },

        // A surrogate as CESU-8 writes it, and an overlong slash.
        { [(byte)'"', 0xED, 0xA0, 0x80, (byte)'"'], "byte 0xED at offset 1" },
        { [(byte)'"', 0xC0, 0xAF, (byte)'"'], "byte 0xC0 at offset 1" },
        { Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("{\"t\":1}")).ToArray(), "UTF-16" },
        { Encoding.Unicode.GetBytes("{\"t\":1}"), "UTF-16" },
        { Encoding.BigEndianUnicode.GetBytes("{\"t\":1}"), "UTF-16" },
        { Encoding.UTF32.GetBytes("{\"t\":1}"), "UTF-32" },
        { Ascii("""{"t":"cut \ud83d"}"""), """\ud83d at offset 10""" },
        { Ascii("""{"t":"\ud83d\ud83d\ude00"}"""), """\ud83d at offset 6""" },
        { Ascii("""{"t":"\uDE00\ud83d"}"""), """\uDE00 at offset 6""" },
        { Ascii("""{"t":"\ud83dx\ude00"}"""), """\ud83d at offset 6""" },
        { Ascii("""{"\udc00":1}"""), """\udc00 at offset 2""" },
        { Ascii("""{"a":1,"a":2}"""), "Duplicate" },
        { Ascii("""{"a":1,"\u0061":2}"""), "Duplicate" },
        { Ascii("""{"a":{"b":1,"c":[{"d":1,"d":1}]}}"""), "Duplicate" },
        { Ascii("{\"a\":\"\0\"}"), "line 1, byte 7" },
        { Ascii("{\"a\":1}\0"), "line 1, byte 8" },
        { Ascii("{\"a\":1,\n}"), "line 2, byte 1" },
        { Ascii("\"\\u12"), "line 1" },
        { Ascii("\"\\"), "line 1" },
        { [], "" },
        { Ascii(Nested(65)), "deeper than 64" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Parse_WhatIsNotTaken_SaysWhatAndWhere(byte[] text, string says)
    {
        var refused = Assert.Throws<InvalidJsonException>(() => StrictJson.Parse(text));

        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Equal("invalid_json", refused.Code);
    }

    [Theory]
    [InlineData("""{"t":"\ud83d\ude00"}""")]
    [InlineData("""{"t":"\\ud83d"}""")]
    [InlineData("""{"t":"\\\\\ud83d\uDE00\\"}""")]
    [InlineData("""{"t":"caf\u00e9 café 😀 \u0000"}""")]
    [InlineData("""{"a":{"a":1},"b":[{"a":1},{"a":1}]}""")]
    [InlineData("1")]
    public void Parse_WhatIsTaken_IsNotChanged(string text)
    {
        Assert.Equal(text, StrictJson.Parse(Encoding.UTF8.GetBytes(text)).GetRawText());
        Assert.Equal(text, StrictJson.Parse(text).GetRawText());
        Assert.Equal(text, StrictJson.Parse("\uFEFF"u8.ToArray().Concat(Encoding.UTF8.GetBytes(text)).ToArray()).GetRawText());
    }

    [Fact]
    public void Parse_AtTheDepthThatIsDocumented_IsTaken() => Assert.Equal(64, JsonLimits.DepthOf(Encoding.UTF8.GetBytes(StrictJson.Parse(Nested(64)).GetRawText())));

    [Fact]
    public void Parse_CharactersWithHalfAPair_AreRefused()
    {
        // Not as data of a theory: attributes are stored as UTF-8, which has no halves.
        foreach (var text in (string[])["{\"t\":\"\ud83d\"}", "\ude00", "\ud83d\ud83d\ude00"])
        {
            Assert.Contains("one half of a surrogate pair", Assert.Throws<InvalidJsonException>(() => StrictJson.Parse(text)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("1", 0)]
    [InlineData("\"[[[{{{\"", 0)]
    [InlineData("[]", 1)]
    [InlineData("{\"a\\\"[\":[1,[2],\"]\"]}", 3)]
    [InlineData("[[],[[]],[]]", 3)]
    [InlineData("[\"\\\\\",[\"\\\"[[\"]]", 2)]
    public void DepthOf_CountsLevelsAndNotTexts(string json, int depth) => Assert.Equal(depth, JsonLimits.DepthOf(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void FindProblem_OfRandomTexts_AgreesWithTheFrameworksReader()
    {
        // What the framework can read as a text has no half pair, and the other way round.
        var random = new Random(7);
        string[] parts = ["\\ud83d", "\\ude00", "\\\\", "\\u0041", "a", "é", "😀", "\\n", "\\uD83D\\uDE00"];
        for (var i = 0; i < 20_000; i++)
        {
            var text = $"\"{string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => parts[random.Next(parts.Length)]))}\"";
            var element = System.Text.Json.JsonElement.Parse(text);
            bool isReadable;
            try
            {
                isReadable = element.GetString() is not null;
            }
            catch (InvalidOperationException)
            {
                isReadable = false;
            }

            Assert.True(isReadable == (StrictJson.FindProblem(element) is null), text);
        }
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);
}
