using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "B1")]
public sealed class FormatWarningTests
{
    [Fact]
    public void Parse_FormatThatIsNotChecked_IsAWarningAtItsPlace()
    {
        const string Text = """
            name: t
            input:
              type: object
              properties:
                day: { type: string, format: datetime }
                at: { type: string, format: date-time }
                colour: { type: string, format: color }
            nodes:
              a: { transform: 1 }
            """;

        var result = WorkflowParser.Parse(YamlSource.Read(Text, "t.yaml").Root!, "t.yaml");

        Assert.NotNull(result.Definition);
        Assert.Equal(
            [
                ("unknown_format", 5, "the format \"datetime\" is not checked. Did you mean \"date-time\"?"),
                ("unknown_format", 7, "the format \"color\" is not checked. Those that are: date, date-time, duration, email, hostname, ipv4, ipv6, time, uri and uuid"),
            ],
            result.Warnings.Select(warning => (warning.Code, warning.Location.Line, warning.Message)));
    }
}
