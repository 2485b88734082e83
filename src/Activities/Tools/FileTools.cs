using System.ComponentModel;
using System.IO.Enumeration;
using System.Text;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Tools;

/// <summary>
/// Tools that read text files under the folders that the host names, and nothing outside them: no absolute paths, no <c>..</c>, and no links that lead elsewhere. A folder with a name has it before
/// the paths in it, as in <c>docs:guide/start.md</c>; one may have none. Inside they leave out what is not meant for agents: hidden files and folders (a name that begins with a dot), logs,
/// <c>local.settings.json</c>, the folders that the host excludes, and everything that is not a regular file.
/// </summary>
internal sealed class FileTools
{
    /// <summary>The largest file that is read: 1 MB.</summary>
    public const long LargestFileBytes = 1024 * 1024;

    /// <summary>The most files that are listed: 10,000.</summary>
    public const int MostFiles = 10_000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly StringComparison Names = OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;

    private readonly Root[] _roots;
    private readonly string[] _excluded;

    /// <summary>Makes the tools.</summary>
    /// <param name="root">The folder without a name; <see langword="null"/>: there is none.</param>
    /// <param name="excluded">Folders that are not shown even where they lie in it, such as that of the host's data.</param>
    public FileTools(string? root, params IReadOnlyList<string> excluded)
        : this(root, new Dictionary<string, string>(StringComparer.Ordinal), excluded)
    {
    }

    /// <summary>Makes the tools.</summary>
    /// <param name="root">The folder without a name; <see langword="null"/>: there is none. Without any folder, both tools say so.</param>
    /// <param name="named">The folders with names.</param>
    /// <param name="excluded">Folders that are not shown even where they lie in it, such as that of the host's data.</param>
    public FileTools(string? root, IReadOnlyDictionary<string, string> named, params IReadOnlyList<string> excluded)
    {
        _roots = [.. named.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => new Root($"{each.Key}:", Full(each.Value))), .. root is null ? (Root[])[] : [new Root("", Full(root))]];
        _excluded = [.. excluded.Select(Full)];
    }

    /// <summary>Adds <c>list_files</c> and <c>read_file</c> to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <returns>The registry.</returns>
    public ToolRegistry Register(ToolRegistry registry) => registry
        .Add(AIFunctionFactory.Create(ListFiles, "list_files"), ToolOptions.OfIdempotent)
        .Add(AIFunctionFactory.Create(ReadFile, "read_file"), ToolOptions.OfIdempotent);

    [Description("Lists the files of a folder and its subfolders, as paths that read_file takes, sorted.")]
    private string[] ListFiles(
        [Description("The folder, relative; \".\" for the top.")] string folder = ".",
        [Description("Which file names, such as *.md.")] string pattern = "*")
    {
        // From the top, all folders are listed that there are.
        var starts = folder is "" or "." && _roots.Length > 0 ? [.. _roots.Select(root => (Root: root, Full: root.Folder)).Where(each => Directory.Exists(each.Full))] : new[] { Inside(folder) };
        if (starts.Length == 0 || starts.Any(start => IsExcluded(start.Root, start.Full) || !Directory.Exists(start.Full)))
        {
            throw new ToolException($"There is no folder \"{folder}\" under the root of the file tools.");
        }

        string[] paths = [.. starts.SelectMany(start => List(start.Root, start.Full, pattern)).Take(MostFiles + 1)];
        if (paths.Length > MostFiles)
        {
            throw new ToolException($"Folder \"{folder}\" has more than {MostFiles:N0} files that match \"{pattern}\". Choose a subfolder or a narrower pattern.");
        }

        Array.Sort(paths, StringComparer.Ordinal);
        return paths;
    }

    private IEnumerable<string> List(Root root, string start, string pattern)
    {
        // Links are not followed, so that a listing neither leaves the folder nor goes round in circles.
        var files = new FileSystemEnumerable<string>(
            start,
            (ref FileSystemEntry entry) => entry.ToFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint, IgnoreInaccessible = true })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && FileSystemName.MatchesSimpleExpression(pattern, entry.FileName, ignoreCase: false),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsExcluded(root, entry.ToFullPath()),
        };
        return files.Where(path => !IsExcluded(root, path) && RegularFiles.IsRegular(path)).Select(path => root.Prefix + Path.GetRelativePath(root.Folder, path).Replace('\\', '/'));
    }

    [Description("Reads a text file.")]
    private async Task<FileText> ReadFile(
        [Description("The file's path, as list_files gives it.")] string path,
        CancellationToken cancellationToken)
    {
        var (root, full) = Inside(path);
        if (IsExcluded(root, full) || !File.Exists(full))
        {
            throw new ToolException($"There is no file \"{path}\" under the root of the file tools.");
        }

        await using var file = RegularFiles.Open(full) ?? throw new ToolException($"\"{path}\" is no regular file.");
        if (file.Length > LargestFileBytes)
        {
            throw new ToolException($"The file \"{path}\" has {file.Length:N0} bytes; {LargestFileBytes:N0} is the limit.");
        }

        // A file that grows while it is read is read as long as it was.
        var bytes = new byte[file.Length];
        var length = await file.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            var text = StrictUtf8.GetString(bytes, 0, length).TrimStart('\uFEFF');
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

    /// <summary>Gets the folder that a path is in, and the full path with links resolved, if it is inside.</summary>
    private (Root Root, string Full) Inside(string path)
    {
        if (_roots.Length == 0)
        {
            throw new ToolException(
                "This host names no folder for the file tools. Its owner names one with --files, in POLYPHONY_FILES, in FilesFolder of an app, or with a name in \"files\" of \"tools\" in the settings.");
        }

        if (Array.Find(_roots, root => path.StartsWith(root.Prefix, StringComparison.Ordinal)) is not { } root)
        {
            throw new ToolException($"\"{path}\" is in none of the folders of the file tools. Begin with one of: {string.Join(", ", _roots.Select(each => each.Prefix))}");
        }

        path = path[root.Prefix.Length..];

        // A colon names a stream of a file on Windows.
        if (path.Contains('\0') || Path.IsPathRooted(path) || path.Split('/', '\\').Contains("..") || (OperatingSystem.IsWindows() && path.Contains(':')))
        {
            throw Outside(path);
        }

        var full = Full(Path.Combine(root.Folder, path.Replace('\\', '/')));
        return IsUnder(full, root.Folder) ? (root, full) : throw Outside(path);
    }

    /// <summary>Determines whether a full path under the root, links resolved, is not for agents.</summary>
    private bool IsExcluded(Root root, string full)
    {
        if (_excluded.Any(folder => IsUnder(full, folder)))
        {
            return true;
        }

        var name = Path.GetFileName(full);
        return Path.GetRelativePath(root.Folder, full).Split(Path.DirectorySeparatorChar).Any(part => part.Length > 1 && part[0] == '.')
            || name.Equals("local.settings.json", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".log", StringComparison.OrdinalIgnoreCase)
            || name.Contains(".log.", StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsUnder(string full, string folder) =>
        full.StartsWith(folder, Names) && (full.Length == folder.Length || folder.EndsWith(Path.DirectorySeparatorChar) || full[folder.Length] == Path.DirectorySeparatorChar);

    private static string Full(string path) => Path.TrimEndingDirectorySeparator(Resolved(Path.GetFullPath(path)));

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

    /// <summary>A folder that may be read.</summary>
    /// <param name="Prefix">What stands before paths in it.</param>
    /// <param name="Folder">The full path, links resolved.</param>
    private sealed record Root(string Prefix, string Folder);

    /// <summary>What <c>read_file</c> returns.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="Title">The first heading, or the file's name.</param>
    /// <param name="Text">The text.</param>
    internal sealed record FileText(string Path, string Title, string Text);
}
