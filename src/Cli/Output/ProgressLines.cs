using System.Globalization;

namespace Polyphony.Cli.Output;

/// <summary>Says on stderr how far something is, once a second; what takes less than a second says nothing.</summary>
/// <param name="done">What has been done, such as "Copied".</param>
/// <param name="clock">The clock.</param>
internal sealed class ProgressLines(string done, TimeProvider clock) : IProgress<double>
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private long _last = clock.GetTimestamp();

    public void Report(double value)
    {
        if (clock.GetElapsedTime(_last) >= Between)
        {
            _last = clock.GetTimestamp();
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} {value:P0} …"));
        }
    }
}
