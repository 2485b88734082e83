namespace Polyphony.Hosting.Settings;

/// <summary>Where relative paths of an app begin.</summary>
/// <param name="Path">The folder.</param>
internal sealed record ContentRoot(string Path);
