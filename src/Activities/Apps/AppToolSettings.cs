using Polyphony.Activities.Tools;

namespace Polyphony.Activities.Apps;

/// <summary>What an app's code says of where tools come from.</summary>
/// <param name="Settings">What it says.</param>
internal sealed record AppToolSettings(ToolSettings Settings)
{
    /// <summary>Adds what code says to what settings say.</summary>
    /// <param name="settings">What the settings say.</param>
    /// <param name="added">What code says.</param>
    /// <param name="folder">Where relative paths of code begin.</param>
    /// <param name="problems">Takes what is wrong.</param>
    /// <returns>Both.</returns>
    public static ToolSettings Add(ToolSettings settings, IEnumerable<AppToolSettings> added, string folder, ICollection<string> problems)
    {
        foreach (var each in added)
        {
            foreach (var (name, server) in each.Settings.Servers)
            {
                ToolServerReader.Check(name, server, problems);
            }

            settings = settings.With(each.Settings.Below(folder), problems);
        }

        return settings;
    }
}
