using Polyphony.Activities.Providers;

namespace Polyphony.Cli.Hosting;

/// <summary>Reads the models and prices of a host.</summary>
internal static class HostModels
{
    /// <summary>Reads a settings file.</summary>
    /// <param name="file">The file; <see langword="null"/>: no models and no prices.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="CliException">The file cannot be read or is not valid.</exception>
    public static ModelSettings Read(string? file)
    {
        try
        {
            return ModelSettings.Read(file);
        }
        catch (PolyphonyException e)
        {
            throw CliException.Invalid(e.Message);
        }
    }
}
