using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Polyphony.Benchmarks.Reports;

/// <summary>The results of a run, as they are written and compared.</summary>
internal sealed record Report(
    DateTimeOffset Time, string Machine, string Durability, bool Quick, int Rounds, double Seconds, IReadOnlyList<Measurement> Results, IReadOnlyList<AimResult> Aims)
{
    internal static Report Make(BenchOptions options, IEnumerable<Measurement> results, TimeSpan took)
    {
        var measured = results.ToList();
        return new Report(
            TimeProvider.System.GetUtcNow(),
            $"{Environment.ProcessorCount} cores, .NET {Environment.Version}, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}",
            options.Durability.ToString(),
            options.Quick,
            options.Rounds,
            Math.Round(took.TotalSeconds, 1),
            measured,
            Reports.Aims.Judge(measured));
    }

    internal static Report Read(string file) =>
        JsonSerializer.Deserialize(File.ReadAllText(file), ReportJsonContext.Default.Report) ?? throw new JsonException("It is null.");

    internal void Write(string file) => File.WriteAllText(file, JsonSerializer.Serialize(this, ReportJsonContext.Readable.Report) + "\n");

    internal double? this[string name] => Results.FirstOrDefault(result => result.Name == name)?.Median;
}

/// <summary>The JSON contract of reports.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Report))]
internal sealed partial class ReportJsonContext : JsonSerializerContext
{
    internal static ReportJsonContext Readable { get; } =
        new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
