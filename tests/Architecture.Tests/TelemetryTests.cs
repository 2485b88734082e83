using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Architecture.Tests;

/// <summary>The names of metrics and attributes: those of the sources, of the documentation and of the sample dashboard are the same.</summary>
[Trait("Row", "H11")]
public sealed partial class TelemetryTests
{
    private const int MaxMilliseconds = 60_000;

    private static readonly string Documentation = File.ReadAllText(Path.Combine(Tree.Root, "docs", "hosting.md"));

    /// <summary>Finds the instruments of the sources: kind, name and unit.</summary>
    private static List<(string Kind, string Name, string Unit)> Instruments { get; } =
    [
        .. Tree.Sources("src").SelectMany(file => Creation().Matches(File.ReadAllText(file)))
            .Select(match => (match.Groups["kind"].Value, match.Groups["name"].Value, match.Groups["unit"].Value)),
    ];

    [Fact]
    public void Dashboard_AsksForMetricsThatThereAre()
    {
        var existing = Instruments.SelectMany(PrometheusNames).ToHashSet(StringComparer.Ordinal);
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Tree.Root, "samples", "grafana", "polyphony.json")));
        var asked = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Select(target => Grouping().Replace(target.GetProperty("expr").GetString()!, ""))
            .SelectMany(expression => Metric().Matches(expression).Select(match => match.Value))
            .Distinct(StringComparer.Ordinal)
            .ToList();
        Assert.Empty(asked.Except(existing, StringComparer.Ordinal));

        // It shows all of them.
        Assert.All(Instruments, instrument => Assert.Contains(asked, name => PrometheusNames(instrument).Contains(name, StringComparer.Ordinal)));
    }

    [Fact]
    public void Documentation_ListsEveryMetricWithItsUnit()
    {
        Assert.True(Instruments.Count >= 20, $"Only {Instruments.Count} instruments were found.");
        Assert.All(Instruments, instrument => Assert.Contains($"| `{instrument.Name}` | `{instrument.Unit}` |", Documentation, StringComparison.Ordinal));
    }

    [Fact]
    public void Documentation_NamesEveryAttribute()
    {
        var names = File.ReadAllText(Path.Combine(Tree.Root, "src", "Core", "Telemetry", "SpanNames.cs"));
        var attributes = Attribute().Matches(names).Select(match => match.Groups["name"].Value).ToList();
        Assert.Contains("polyphony.instance.id", attributes);
        Assert.All(attributes, attribute => Assert.Contains($"`{attribute}`", Documentation, StringComparison.Ordinal));
    }

    /// <summary>As OpenTelemetry's exporters for Prometheus write names: units are spelled out, counters end in <c>_total</c>, histograms have three series.</summary>
    private static IEnumerable<string> PrometheusNames((string Kind, string Name, string Unit) instrument)
    {
        var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return instrument.Kind switch
        {
            "Counter" => [$"{name}_total"],
            "Histogram" => [$"{name}_bucket", $"{name}_count", $"{name}_sum"],
            _ => [name],
        };
    }

    [GeneratedRegex("""Create(?<kind>Counter|Histogram|ObservableGauge|ObservableUpDownCounter)(<\w+>)?\(\s*"(?<name>[a-z_.]+)",(?:[^"]|"(?!s"|\{))*?"(?<unit>s|\{\w+\})",""", RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex Creation();

    [GeneratedRegex("""const string \w+ = "(?<name>\w+(\.\w+)+)";""", RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex Attribute();

    [GeneratedRegex("""by \([^)]*\)|\{[^}]*\}""", RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex Grouping();

    [GeneratedRegex("""(?:gen_ai|polyphony)_\w+""", RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex Metric();
}
