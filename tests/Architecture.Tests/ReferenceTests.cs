namespace Polyphony.Architecture.Tests;

/// <summary>The arrows between projects, and no others.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Expressions"] = [],
        ["Analyzers"] = [],

        // The analyzers are packed with Core, which does not use them.
        ["Core"] = ["Expressions", "Analyzers"],
        ["Activities"] = ["Core"],
        ["Engine"] = ["Core"],
        ["Http"] = ["Core"],
        ["DurableFunctions"] = ["Core", "Activities", "Http"],
        ["Functions"] = ["DurableFunctions"],
        ["Hosting"] = ["Activities", "Engine", "Http"],
        ["Cli"] = ["Hosting"],
        ["Testing"] = ["Hosting"],
    };

    [Fact]
    public void ProjectReferences_OfProductProjects_FollowTheArrows()
    {
        foreach (var (project, file) in Tree.ProductProjects)
        {
            Assert.True(Arrows.TryGetValue(project, out var allowed), $"src/{project} is not a project of the design.");
            Assert.Empty(Tree.References(file, "ProjectReference").Select(Path.GetFileNameWithoutExtension).Except(allowed!, StringComparer.Ordinal));
        }
    }

    [Fact]
    public void ProjectReferences_OfTestKit_AreCoreAlone()
    {
        var file = System.Xml.Linq.XDocument.Load(Path.Combine(Tree.Root, "tests", "TestKit", "TestKit.csproj"));
        Assert.Equal(["Core"], Tree.References(file, "ProjectReference").Select(Path.GetFileNameWithoutExtension));
    }

    [Fact]
    public void AssemblyReferences_OfProductAssemblies_FollowTheArrows()
    {
        foreach (var (project, assembly) in Tree.ProductAssemblies)
        {
            var others = assembly.GetReferencedAssemblies()
                .Select(name => name.Name!)
                .Where(name => name.StartsWith("Polyphony.", StringComparison.Ordinal) || name == "polyphony")
                .Select(name => name["Polyphony.".Length..]);
            Assert.Empty(others.Except(Reachable(project), StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("Expressions")]
    [InlineData("Core", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "YamlDotNet", "Polyphony.Expressions")]
    public void AssemblyReferences_OfWhatIsDeterministic_AreTheBaseClassLibraryAndFewMore(string project, params string[] allowed)
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var foreign = Tree.ProductAssemblies[project].GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => !allowed.Contains(name, StringComparer.Ordinal) && !File.Exists(Path.Combine(runtime, $"{name}.dll")));
        Assert.Empty(foreign);
    }

    [Theory]
    [InlineData("Expressions")]
    [InlineData("Core", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "YamlDotNet")]
    public void PackageReferences_OfWhatIsDeterministic_AreFewAndAnalyzers(string project, params string[] allowed) =>
        Assert.Empty(Tree.References(Tree.ProductProjects[project], "PackageReference").Except([.. allowed, "Microsoft.CodeAnalysis.BannedApiAnalyzers", "Microsoft.CodeAnalysis.PublicApiAnalyzers"], StringComparer.Ordinal));

    [Fact]
    public void YamlLibrary_OfCore_IsUsedByTheSourcesAlone()
    {
        var sources = Path.Combine(Tree.Root, "src", "Core", "Definitions", "Sources") + Path.DirectorySeparatorChar;
        var users = Tree.Sources(Path.Combine("src", "Core"))
            .Where(file => File.ReadAllText(file).Contains("YamlDotNet", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(users);
        Assert.All(users, file => Assert.StartsWith(sources, file, StringComparison.Ordinal));
    }

    /// <summary>Lists what a project refers to, directly or by way of another: the types of a library's library may stand in its signatures.</summary>
    private static IEnumerable<string> Reachable(string project) => Arrows[project].SelectMany(next => Reachable(next).Prepend(next)).Distinct(StringComparer.Ordinal);
}
