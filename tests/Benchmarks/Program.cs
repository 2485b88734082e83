using Polyphony.Benchmarks;
using Polyphony.Benchmarks.Reports;

if (!BenchOptions.TryParse(args, out var options, out var problem))
{
    Console.Error.WriteLine(problem);
    return 2;
}

if (options.Help)
{
    Console.WriteLine(BenchOptions.Usage);
    return 0;
}

// Read first: a file that cannot be compared with should not cost minutes.
Report? old = null;
if (options.Compare is not null)
{
    try
    {
        old = Report.Read(options.Compare);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
    {
        Console.Error.WriteLine($"\"{options.Compare}\" cannot be compared with: {e.Message} Give a file that --json wrote.");
        return 2;
    }
}

var report = await Suite.RunAsync(options);
Console.Write(ReportTable.Format(report, old));
if (options.Json is not null)
{
    report.Write(options.Json);
}

return 0;
