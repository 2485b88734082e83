using Polyphony.Activities.Workflows;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Activities.Tests.Workflows;

[Trait("Row", "O8")]
public sealed class FolderWorkflowCatalogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-catalog-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void List_ReadsYamlAndJson_ButNotFoldersInside()
    {
        Write("b.yaml", Valid("beta"));
        Write("a.yml", Valid("alpha"));
        Write("c.json", """{ "name": "gamma", "nodes": { "a": { "transform": 1 } } }""");
        Write("notes.txt", Valid("notes"));
        _folder.CreateSubdirectory("inside");
        Write("inside/d.yaml", Valid("delta"));

        Assert.Equal(["alpha", "beta", "gamma"], Catalog().List().Select(workflow => workflow.Name));
        Assert.Equal("gamma", Catalog().Find("gamma")!.Name);
        Assert.Null(Catalog().Find("delta"));
        Assert.Empty(Catalog().Problems);
    }

    [Fact]
    [Trait("Row", "S9")]
    public void Find_FileChanged_GivesTheNewDefinition()
    {
        Write("a.yaml", Valid("alpha"), minute: 1);
        var catalog = Catalog();
        var before = catalog.Find("alpha")!;

        Assert.Same(before, catalog.Find("alpha"));
        Write("a.yaml", Valid("alpha").Replace("transform: 1", "transform: 2", StringComparison.Ordinal), minute: 2);

        Assert.NotEqual(before.Hash, catalog.Find("alpha")!.Hash);
        File.Delete(Path.Combine(_folder.FullName, "a.yaml"));
        Assert.Null(catalog.Find("alpha"));
    }

    [Fact]
    public void Find_InvalidFile_ThrowsItsProblemsAndHidesNoOther()
    {
        Write("a.yaml", "name: alpha\nnodes: { x: {} }\n");
        Write("b.yaml", Valid("beta"));
        var catalog = Catalog();

        Assert.Equal("node_kind", Assert.Single(Assert.Throws<WorkflowInvalidException>(() => catalog.Find("alpha")).Problems).Code);
        Assert.Equal(["beta"], catalog.List().Select(workflow => workflow.Name));
        var problem = Assert.Single(catalog.Problems);
        Assert.Equal(("a.yaml", 2), (problem.File, problem.Location.Line));
    }

    [Fact]
    public void Problems_NameUsedTwice_FirstFileCounts()
    {
        Write("a.yaml", "version: 7\n" + Valid("same"));
        Write("b.yaml", "# a line\n" + Valid("same"));
        var catalog = Catalog();

        Assert.Equal(7, catalog.Find("same")!.Version);
        Assert.Single(catalog.List());
        var problem = Assert.Single(catalog.Problems);
        Assert.Equal(("name_clash", "b.yaml", new SourceLocation(2, 1)), (problem.Code, problem.File, problem.Location));
    }

    [Fact]
    public void Problems_SubWorkflowMissing_SaysWhere()
    {
        Write("a.yaml", "name: alpha\nnodes:\n  x: { workflow: gone }\n");

        var problem = Assert.Single(Catalog().Problems);

        Assert.Equal(("unknown_workflow", "a.yaml", new SourceLocation(3, 8)), (problem.Code, problem.File, problem.Location));
    }

    [Fact]
    public void Load_NoUtf8_SaysWhere()
    {
        File.WriteAllBytes(Path.Combine(_folder.FullName, "a.yaml"), [.. "name: t\nx: "u8, 0xE9, .. "\n"u8]);

        var problem = Assert.Single(Catalog().Problems);

        Assert.Equal(("invalid_text", new SourceLocation(2, 4)), (problem.Code, problem.Location));
    }

    [Fact]
    public void Load_FileThatIsNotThere_IsAProblem() =>
        Assert.Equal("file_unreadable", Assert.Single(WorkflowFile.Load(Path.Combine(_folder.FullName, "none.yaml")).Result.Problems).Code);

    [Fact]
    public void List_FolderThatIsNotThere_IsEmpty() => Assert.Empty(new FolderWorkflowCatalog(Path.Combine(_folder.FullName, "none")).List());

    private FolderWorkflowCatalog Catalog() => new(_folder.FullName);

    private static string Valid(string name) => $"name: {name}\nnodes: {{ a: {{ transform: 1 }} }}\n";

    // The time of the file is set, so that no test depends on how fine the file system's clock is.
    private void Write(string name, string text, int minute = 0)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, minute, 0, DateTimeKind.Utc));
    }
}
