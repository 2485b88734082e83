using System.Text;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Workflows;

/// <summary>A workflow file that was read.</summary>
/// <param name="Path">The file.</param>
/// <param name="Name">The workflow's name as far as it could be read, else that of the file.</param>
/// <param name="Result">What the parser made of it; of a file that could not be read it has the reader's problems.</param>
internal sealed record WorkflowFile(string Path, string Name, WorkflowParseResult Result)
{
    /// <summary>Reads a file: <c>.json</c> as JSON, everything else as YAML.</summary>
    /// <param name="path">The file, UTF-8, at most 1 MB.</param>
    /// <param name="display">The name for messages; by default the path.</param>
    /// <returns>The file. Never throws for what the file says, nor when it can't be read: that is a problem like others.</returns>
    public static WorkflowFile Load(string path, string? display = null)
    {
        var file = display ?? path;
        var fallbackName = System.IO.Path.GetFileNameWithoutExtension(path);
        var read = Read(path, file);
        if (read.Root is null)
        {
            return new WorkflowFile(path, fallbackName, new WorkflowParseResult(null, read.Problems, [], new Dictionary<string, SourceLocation>()));
        }

        var result = WorkflowParser.Parse(read.Root, file);
        var named = (read.Root as SourceMapping)?.Entries.FirstOrDefault(entry => entry.Key == "name")?.Value as SourceScalar;
        return new WorkflowFile(path, named?.Value as string ?? fallbackName, result);
    }

    private static SourceReadResult Read(string path, string file)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > SourceLimits.MaxBytes })
            {
                return new SourceReadResult(null, [SourceText.TooLarge(file)]);
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new SourceReadResult(null, [new WorkflowProblem("file_unreadable", "", default, $"the file can't be read: {exception.Message.TrimEnd('.')}", "Check the path and the permissions.", file)]);
        }

        if (StrictJson.FindEncodingProblem(bytes) is { } problem)
        {
            return new SourceReadResult(null, [new WorkflowProblem("invalid_text", "", Locate(bytes), $"the file can't be read as text: {problem}", "Save it as UTF-8 text.", file)]);
        }

        var text = Encoding.UTF8.GetString(bytes);
        return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? JsonSource.Read(text, file) : YamlSource.Read(text, file);
    }

    /// <summary>Finds the first byte that belongs to no character.</summary>
    private static SourceLocation Locate(ReadOnlySpan<byte> bytes)
    {
        var before = bytes[..StrictJson.ValidLength(bytes)];
        return new SourceLocation(before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1);
    }
}
