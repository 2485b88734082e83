using System.Text.Json.Nodes;

namespace Polyphony.Cli.Inputs;

/// <summary>Reads a file of <c>key@=FILE</c> into the form in which it can go with a prompt: <c>{ "mediaType": …, "data": BASE64, "name": … }</c>.</summary>
internal static class AttachedFile
{
    // As much as goes with one prompt.
    private const long MostBytes = 20 * 1024 * 1024;

    private static readonly Dictionary<string, string> MediaTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        [".png"] = "image/png",
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".webp"] = "image/webp",
        [".gif"] = "image/gif",
        [".pdf"] = "application/pdf",
        [".wav"] = "audio/wav",
        [".mp3"] = "audio/mpeg",
    };

    /// <summary>Reads a file.</summary>
    /// <param name="key">The key that it is for.</param>
    /// <param name="path">Its path.</param>
    /// <param name="file">The file.</param>
    /// <returns>What is wrong; <see langword="null"/> if nothing is.</returns>
    public static string? TryRead(string key, string path, out JsonObject? file)
    {
        file = null;
        if (!MediaTypes.TryGetValue(Path.GetExtension(path), out var mediaType))
        {
            return $"\"{key}@={path}\" is no file that models take. Known by their names: {string.Join(", ", MediaTypes.Keys)}.";
        }

        try
        {
            var info = new FileInfo(path);
            if (info is { Exists: true, Length: > MostBytes })
            {
                return $"The file \"{path}\" of \"{key}\" has {info.Length:N0} bytes; at most {MostBytes:N0} go with a prompt.";
            }

            file = new JsonObject { ["mediaType"] = mediaType, ["data"] = Convert.ToBase64String(File.ReadAllBytes(path)), ["name"] = info.Name };
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The file \"{path}\" of \"{key}\" cannot be read: {e.Message}";
        }
    }
}
