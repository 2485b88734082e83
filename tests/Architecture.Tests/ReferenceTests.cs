namespace Polyphony.Architecture.Tests;

/// <summary>The arrows between projects, and no others.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Core"] = [],
        ["Activities"] = ["Core"],
        ["Engine"] = ["Core"],
        ["Http"] = ["Core"],
        ["Functions"] = ["Core", "Activities", "Http"],
        ["Cli"] = ["Core", "Activities", "Engine", "Http"],
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
            Assert.Empty(others.Except(Arrows[project], StringComparer.Ordinal));
        }
    }

    [Fact]
    public void AssemblyReferences_OfCore_AreTheBaseClassLibraryAndTheAbstractions()
    {
        string[] allowed = ["Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "netstandard"];
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var foreign = Tree.ProductAssemblies["Core"].GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => !allowed.Contains(name, StringComparer.Ordinal) && !File.Exists(Path.Combine(runtime, $"{name}.dll")));
        Assert.Empty(foreign);
    }

    [Fact]
    public void PackageReferences_OfCore_AreTheAbstractionsAndAnalyzers()
    {
        string[] allowed =
        [
            "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "Microsoft.CodeAnalysis.BannedApiAnalyzers",
        ];
        Assert.Empty(Tree.References(Tree.ProductProjects["Core"], "PackageReference").Except(allowed, StringComparer.Ordinal));
    }
}
