using System.ComponentModel;
using System.IO.Enumeration;
using System.Text;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Tools;

/// <summary>
/// Tools that read text files under one folder, and nothing outside it: no absolute paths, no <c>..</c>, and no links that lead elsewhere.
/// </summary>
public sealed class FileTools
{
    /// <summary>The largest file that is read: 1 MB.</summary>
    public const long LargestFileBytes = 1024 * 1024;

    /// <summary>The most files that are listed: 10,000.</summary>
    public const int MostFiles = 10_000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _root;

    /// <summary>Makes the tools.</summary>
    /// <param name="root">The folder.</param>
    public FileTools(string root) => _root = Path.TrimEndingDirectorySeparator(Resolved(Path.GetFullPath(root)));

    /// <summary>Adds <c>list_files</c> and <c>read_file</c> to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <returns>The registry.</returns>
    public ToolRegistry Register(ToolRegistry registry) => registry
        .Add(AIFunctionFactory.Create(ListFiles, "list_files"))
        .Add(AIFunctionFactory.Create(ReadFile, "read_file"));

    [Description("Lists the files of a folder and its subfolders, as paths that read_file takes, sorted.")]
    private string[] ListFiles(
        [Description("The folder, relative; \".\" for the top.")] string folder = ".",
        [Description("Which file names, such as *.md.")] string pattern = "*")
    {
        var start = Inside(folder);
        if (!Directory.Exists(start))
        {
            throw new ToolException($"There is no folder \"{folder}\" under the root of the file tools.");
        }

        // Links are not followed, so that a listing neither leaves the folder nor goes round in circles.
        var files = new FileSystemEnumerable<string>(
            start,
            (ref FileSystemEntry entry) => entry.ToFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint, IgnoreInaccessible = true })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && FileSystemName.MatchesSimpleExpression(pattern, entry.FileName, ignoreCase: false),
        };
        string[] paths = [.. files.Take(MostFiles + 1).Select(path => Path.GetRelativePath(_root, path).Replace('\\', '/'))];
        if (paths.Length > MostFiles)
        {
            throw new ToolException($"Folder \"{folder}\" has more than {MostFiles:N0} files that match \"{pattern}\". Choose a subfolder or a narrower pattern.");
        }

        Array.Sort(paths, StringComparer.Ordinal);
        return paths;
    }

    [Description("Reads a text file.")]
    private async Task<FileText> ReadFile(
        [Description("The file's path, as list_files gives it.")] string path,
        CancellationToken cancellationToken)
    {
        var full = Inside(path);
        var file = new FileInfo(full);
        if (!file.Exists)
        {
            throw new ToolException($"There is no file \"{path}\" under the root of the file tools.");
        }

        if (file.Length > LargestFileBytes)
        {
            throw new ToolException($"The file \"{path}\" has {file.Length:N0} bytes; {LargestFileBytes:N0} is the limit.");
        }

        var bytes = await File.ReadAllBytesAsync(full, cancellationToken);
        try
        {
            var text = StrictUtf8.GetString(bytes).TrimStart('\uFEFF');
            return text.Contains('\0') ? throw NotText(path) : new FileText(path.Replace('\\', '/'), Title(text) ?? Path.GetFileName(full), text);
        }
        catch (DecoderFallbackException)
        {
            throw NotText(path);
        }
    }

    private static ToolException NotText(string path) => new($"The file \"{path}\" is not UTF-8 text.");

    private static string? Title(string text)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                return line[2..].Trim().ToString();
            }
        }

        return null;
    }

    /// <summary>Gets the full path of a relative one, with links resolved, if it is inside the root.</summary>
    private string Inside(string path)
    {
        if (path.Contains('\0') || Path.IsPathRooted(path) || path.Split('/', '\\').Contains(".."))
        {
            throw Outside(path);
        }

        var full = Path.TrimEndingDirectorySeparator(Resolved(Path.GetFullPath(Path.Combine(_root, path.Replace('\\', '/')))));
        return full == _root || full.StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? full : throw Outside(path);
    }

    private static ToolException Outside(string path) => new($"\"{path}\" is not inside the root of the file tools. Give a relative path without \"..\".");

    /// <summary>Resolves the links in every part of a path, as the system does when it opens it.</summary>
    private static string Resolved(string full)
    {
        const int MostLinks = 40;
        var links = 0;
        var resolved = Path.GetPathRoot(full)!;
        var parts = new Stack<string>(full[resolved.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (parts.TryPop(out var part))
        {
            var next = Path.GetFullPath(Path.Combine(resolved, part));
            FileSystemInfo info = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            if (info.LinkTarget is not { } target)
            {
                resolved = next;
                continue;
            }

            if (++links > MostLinks)
            {
                throw new ToolException("Too many links.");
            }

            var absolute = Path.GetFullPath(target, resolved);
            resolved = Path.GetPathRoot(absolute)!;
            foreach (var step in absolute[resolved.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                parts.Push(step);
            }
        }

        return resolved;
    }

    /// <summary>What <c>read_file</c> returns.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="Title">The first heading, or the file's name.</param>
    /// <param name="Text">The text.</param>
    internal sealed record FileText(string Path, string Title, string Text);
}
