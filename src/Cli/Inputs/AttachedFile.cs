using System.Text.Json.Nodes;
using Polyphony.Activities.Agents;

namespace Polyphony.Cli.Inputs;

/// <summary>Reads a file of <c>key@=FILE</c> into the form in which it can go with a prompt: <c>{ "mediaType": …, "data": BASE64, "name": … }</c>.</summary>
internal static class AttachedFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="key">The key that it is for.</param>
    /// <param name="path">Its path.</param>
    /// <param name="file">The file.</param>
    /// <returns>What is wrong; <see langword="null"/> if nothing is.</returns>
    public static string? TryRead(string key, string path, out JsonObject? file)
    {
        file = null;
        if (!Attachments.Extensions.TryGetValue(Path.GetExtension(path), out var mediaType))
        {
            return $"\"{key}@={path}\" is no file that models take. Known by their names: {string.Join(", ", Attachments.Extensions.Keys)}.";
        }

        try
        {
            var info = new FileInfo(path);
            if (info is { Exists: true, Length: > Attachments.MostBytes })
            {
                return $"The file \"{path}\" of \"{key}\" has {info.Length:N0} bytes; at most {Attachments.MostBytes:N0} go with a prompt.";
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
