namespace Polyphony.Architecture.Tests;

/// <summary>The arrows between projects, and no others.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Analyzers"] = [],
        ["Expressions"] = [],
        ["Core"] = ["Expressions"],
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
            Assert.Empty(Tree.References(file, "ProjectReference").Select(Path.GetFileNameWithoutExtension).Except([.. allowed!, .. PackedWith(project)], StringComparer.Ordinal));
        }
    }

    /// <summary>The analyzer runs in compilers: it is packed with Core, and nothing of the product runs on it.</summary>
    [Fact]
    public void Analyzers_AreBuiltForCompilers_AndPackedWithCoreAlone()
    {
        Assert.Equal(["Microsoft.CodeAnalysis.CSharp"], Tree.References(Tree.ProductProjects["Analyzers"], "PackageReference"));
        Assert.Equal("netstandard2.0", Tree.ProductProjects["Analyzers"].Descendants("TargetFramework").Single().Value);
        var references = Tree.ProductProjects
            .SelectMany(project => project.Value.Descendants("ProjectReference").Select(reference => (Project: project.Key, Reference: reference)))
            .Where(each => Path.GetFileNameWithoutExtension(each.Reference.Attribute("Include")!.Value) == "Analyzers");
        var (packer, reference) = Assert.Single(references);
        Assert.Equal("Core", packer);
        Assert.Equal("false", reference.Attribute("ReferenceOutputAssembly")?.Value);
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
    [InlineData("Core", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "YamlDotNet", "Cronos", "Polyphony.Expressions")]
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
    [InlineData("Core", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "YamlDotNet", "Cronos")]
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

    /// <summary>See docs/adr/0019: definitions are checked with it. What is due is worked out in activities, because the rules of time zones change with the host.</summary>
    [Fact]
    public void CronLibrary_OfCore_IsUsedByOneTypeOfDefinitionsThatOrchestratorsDoNotUse()
    {
        Assert.Equal(["src/Core/Definitions/CronTimes.cs"], Users("using Cronos"));
        Assert.Equal(["src/Core/Definitions/CronTimes.cs", "src/Core/Definitions/Parsing/ScheduleChecker.cs"], Users("CronTimes"));

        static IEnumerable<string> Users(string name) => Tree.Sources(Path.Combine("src", "Core"))
            .Where(file => File.ReadAllText(file).Contains(name, StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Tree.Root, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);
    }

    private static string[] PackedWith(string project) => project == "Core" ? ["Analyzers"] : [];

    /// <summary>Lists what a project refers to, directly or by way of another: the types of a library's library may stand in its signatures.</summary>
    private static IEnumerable<string> Reachable(string project) => Arrows[project].SelectMany(next => Reachable(next).Prepend(next)).Distinct(StringComparer.Ordinal);
}
