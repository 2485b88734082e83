using System.Text.RegularExpressions;

namespace Polyphony.Architecture.Tests;

/// <summary>The compiler checks documentation and banned APIs; these tests check that nobody told it not to.</summary>
public sealed partial class CompilerGateTests
{
    [Fact]
    public void BannedSymbols_OfCore_AreCheckedByTheCompiler()
    {
        var core = Tree.ProductProjects["Core"];
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", Tree.References(core, "PackageReference"));
        Assert.Contains("BannedSymbols.txt", Tree.References(core, "AdditionalFiles"));
        Assert.NotEmpty(File.ReadAllLines(Path.Combine(Tree.Root, "src", "Core", "BannedSymbols.txt")));
    }

    [Fact]
    public void Suppressions_OfDocumentationAndBannedApis_AreNowhereInTheProduct()
    {
        var files = Tree.Sources("src")
            .Concat(Tree.ProductProjectFiles)
            .Append(Path.Combine(Tree.Root, ".editorconfig"));
        Assert.DoesNotContain(files, file => SuppressedGate().IsMatch(File.ReadAllText(file)));
    }

    [Fact]
    public void Build_TreatsWarningsAsErrorsAndWritesDocumentation()
    {
        var props = File.ReadAllText(Path.Combine(Tree.Root, "Directory.Build.props"));
        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", props, StringComparison.Ordinal);
        Assert.Contains("<GenerateDocumentationFile>true</GenerateDocumentationFile>", props, StringComparison.Ordinal);
    }

    // RS0030 is the banned-API rule, CS1591 the missing-documentation one; generated clients are the only files that may be exempt, and there are none.
    [GeneratedRegex(@"RS0030|CS1591|TreatWarningsAsErrors>false", RegexOptions.None, 1000)]
    private static partial Regex SuppressedGate();
}
