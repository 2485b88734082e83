using System.Globalization;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "O11")]
public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2027-01-31T09:00:00Z", "2027-01-31T09:00:00.0000000Z")]
    [InlineData("2027-01-31t09:00:00z", "2027-01-31T09:00:00.0000000Z")]
    [InlineData("2027-01-31T09:00:00+01:30", "2027-01-31T07:30:00.0000000Z")]
    [InlineData("2027-01-31T09:00:00-23:59", "2027-02-01T08:59:00.0000000Z")]
    [InlineData("2027-01-31T09:00:00-00:00", "2027-01-31T09:00:00.0000000Z")]
    [InlineData("2027-01-31T09:00:00.5Z", "2027-01-31T09:00:00.5000000Z")]
    [InlineData("2027-01-31T09:00:00.123456789123Z", "2027-01-31T09:00:00.1234567Z")]
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.0000000Z")]
    [InlineData("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.0000000Z")]
    [InlineData("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.0000000Z")]
    public void TryParse_Time_GivesItInUtc(string text, string utc)
    {
        Assert.True(Rfc3339.TryParse(text, out var time));
        Assert.Equal(utc, time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        Assert.Equal(TimeSpan.Zero, time.Offset);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2027-01-31")]
    [InlineData("2027-01-31T09:00:00")]
    [InlineData("2027-01-31T09:00Z")]
    [InlineData("2027-01-31 09:00:00Z")]
    [InlineData("2027-01-31T09:00:00 Z")]
    [InlineData(" 2027-01-31T09:00:00Z")]
    [InlineData("2027-01-31T09:00:00.Z")]
    [InlineData("2027-01-31T09:00:00,5Z")]
    [InlineData("2027-01-31T09:00:00+0100")]
    [InlineData("2027-01-31T09:00:00+24:00")]
    [InlineData("2027-01-31T09:00:00+01:60")]
    [InlineData("2027-01-31T24:00:00Z")]
    [InlineData("2027-01-31T09:60:00Z")]
    [InlineData("2027-01-31T09:00:60Z")]
    [InlineData("2027-02-29T09:00:00Z")]
    [InlineData("2027-13-01T09:00:00Z")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("10:00")]
    [InlineData("12/31/2026")]
    [InlineData("Sun, 31 Jan 2027 09:00:00 GMT")]
    [InlineData("２０２７-01-31T09:00:00Z")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(Rfc3339.TryParse(text, out _));

    [Fact]
    public void TryParse_UnderAnyCulture_GivesTheSame()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            // Made here: under invariant globalization there is no culture but one.
            foreach (var (pattern, separator) in ((string, string)[])[("dd.MM.yyyy", "."), ("M/d/yyyy", "/"), ("yyyy年M月d日", "-")])
            {
                var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
                culture.DateTimeFormat.ShortDatePattern = pattern;
                culture.DateTimeFormat.DateSeparator = separator;
                culture.DateTimeFormat.TimeSeparator = ".";
                CultureInfo.CurrentCulture = culture;
                Assert.True(Rfc3339.TryParse("2027-01-31T09:00:00Z", out var time));
                Assert.Equal(new DateTimeOffset(2027, 1, 31, 9, 0, 0, TimeSpan.Zero), time);
                Assert.False(Rfc3339.TryParse("31.01.2027 09:00:00", out _));
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
