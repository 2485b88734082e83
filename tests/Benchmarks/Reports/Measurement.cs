using System.Text.Json.Serialization;

namespace Polyphony.Benchmarks.Reports;

/// <summary>A figure: one sample a round, of which the median counts.</summary>
internal sealed record Measurement(string Name, string Unit, bool HigherIsBetter, List<double> Samples)
{
    public double Median => Order(0.5);

    /// <summary>Gets how far the samples lie apart, as a share of the median.</summary>
    [JsonIgnore]
    public double Spread => Median == 0 ? 0 : (Samples.Max() - Samples.Min()) / Math.Abs(Median);

    private double Order(double share)
    {
        var sorted = Samples.Order().ToList();
        var middle = (sorted.Count - 1) * share;
        return (sorted[(int)Math.Floor(middle)] + sorted[(int)Math.Ceiling(middle)]) / 2;
    }
}
