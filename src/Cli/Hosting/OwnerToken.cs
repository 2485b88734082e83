using System.Security.Cryptography;
using Polyphony.Hosting.DataFolders;

namespace Polyphony.Cli.Hosting;

/// <summary>
/// Shows a host that a command is its owner's: a secret in a file of the data folder, which only the owner can read and which every host renews. Without it an inline
/// definition counts as a caller's.
/// </summary>
internal static class OwnerToken
{
    private const int RandomBytes = 32;

    /// <summary>Makes a token and writes it down.</summary>
    /// <param name="settings">Where the data folder is.</param>
    /// <returns>The token; <see langword="null"/> where nothing can be written, as on a full disk: files that are run there count as a caller's.</returns>
    public static string? Create(CliSettings settings)
    {
        var token = RandomNumberGenerator.GetHexString(2 * RandomBytes, lowercase: true);
        try
        {
            using var writer = new StreamWriter(DataFiles.Open(settings.TokenFile, FileMode.Create, FileShare.Read));
            writer.Write(token);
            return token;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads the token of the host of a data folder.</summary>
    /// <param name="settings">Where the data folder is.</param>
    /// <returns>The token; <see langword="null"/> if this user can't read it.</returns>
    public static string? Read(CliSettings settings)
    {
        try
        {
            return File.ReadAllText(settings.TokenFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
