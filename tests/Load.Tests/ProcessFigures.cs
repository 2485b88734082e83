using System.Globalization;

namespace Polyphony.Load.Tests;

/// <summary>What Linux tells of a process.</summary>
/// <param name="ResidentBytes">Memory in use, shared pages included.</param>
/// <param name="Threads">Threads.</param>
/// <param name="OpenFiles">Open files, connections included.</param>
internal sealed record ProcessFigures(long ResidentBytes, int Threads, OpenFiles OpenFiles)
{
    public static bool IsSupported => Directory.Exists("/proc/self/fd");

    public static ProcessFigures Read(int processId)
    {
        var lines = File.ReadAllLines($"/proc/{processId}/status");
        return new ProcessFigures(
            1024 * Number(lines, "VmRSS:"),
            (int)Number(lines, "Threads:"),
            OpenFiles.Read(processId));
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{ResidentBytes / 1_048_576} MB resident, {Threads} threads, {OpenFiles.Count} open files");

    private static long Number(string[] lines, string name) =>
        long.Parse(lines.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
}
