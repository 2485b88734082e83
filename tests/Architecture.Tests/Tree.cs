using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Polyphony.TestKit;

namespace Polyphony.Architecture.Tests;

/// <summary>The source tree that these tests were built from, and what was built from it.</summary>
internal static partial class Tree
{
    public static string Root => Repository.Root;

    /// <summary>The project files of the product. Not those deeper down: the Functions worker's SDK makes a project of its own below obj.</summary>
    public static IReadOnlyList<string> ProductProjectFiles { get; } =
        [.. Directory.EnumerateDirectories(Path.Combine(Root, "src")).SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj"))];

    /// <summary>Every product project with its project file.</summary>
    public static IReadOnlyDictionary<string, XDocument> ProductProjects { get; } =
        ProductProjectFiles.ToDictionary(file => Path.GetFileNameWithoutExtension(file), XDocument.Load, StringComparer.Ordinal);

    /// <summary>The product's assemblies, as built with these tests.</summary>
    public static IReadOnlyDictionary<string, Assembly> ProductAssemblies { get; } =
        new[] { ("Expressions", "Polyphony.Expressions"), ("Core", "Polyphony.Core"), ("Activities", "Polyphony.Activities"), ("Engine", "Polyphony.Engine"), ("Http", "Polyphony.Http"), ("Hosting", "Polyphony.Hosting"), ("Testing", "Polyphony.Testing"), ("Cli", "polyphony"), ("DurableFunctions", "Polyphony.DurableFunctions"), ("Functions", "Polyphony.Functions") }
            .ToDictionary(pair => pair.Item1, pair => Assembly.Load(pair.Item2), StringComparer.Ordinal);

    /// <summary>The rows of docs/capabilities.md.</summary>
    public static IReadOnlySet<string> Rows { get; } = RowPattern()
        .Matches(File.ReadAllText(Path.Combine(Root, "docs", "capabilities.md")))
        .Select(match => match.Groups["row"].Value)
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The test assemblies, built in the same configuration as these tests.</summary>
    public static IEnumerable<Assembly> TestAssemblies()
    {
        var output = Path.GetRelativePath(Path.Combine(Root, "tests", "Architecture.Tests"), AppContext.BaseDirectory);
        foreach (var folder in Directory.EnumerateDirectories(Path.Combine(Root, "tests"), "*.Tests").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(folder);
            yield return name == "Architecture.Tests"
                ? typeof(Tree).Assembly
                : Load(Path.GetFullPath(Path.Combine(folder, output, $"Polyphony.{name}.dll")));
        }
    }

    /// <summary>The C# files of a folder, build output aside.</summary>
    public static IEnumerable<string> Sources(string folder) => Directory
        .EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    public static IEnumerable<string> References(XDocument project, string kind) =>
        project.Descendants(kind).Select(element => element.Attribute("Include")!.Value);

    // A context of its own: test assemblies carry their own versions of what they use.
    private static Assembly Load(string path)
    {
        var resolver = new AssemblyDependencyResolver(path);
        var context = new AssemblyLoadContext(path);
        context.Resolving += (self, name) => resolver.ResolveAssemblyToPath(name) is { } file ? self.LoadFromAssemblyPath(file) : null;
        return context.LoadFromAssemblyPath(path);
    }

    [GeneratedRegex(@"^\| (?<row>[A-Z][0-9]+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RowPattern();
}
