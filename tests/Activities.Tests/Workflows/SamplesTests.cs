using Polyphony.Activities.Workflows;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.TestKit;

namespace Polyphony.Activities.Tests.Workflows;

[Trait("Row", "B1")]
public sealed class SamplesTests
{
    public static TheoryData<string> Samples() =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.yaml").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void Parse_Sample_IsValidWithoutWarnings(string sample)
    {
        var result = WorkflowFile.Load(Path.Combine(Repository.Root, "samples", sample), sample).Result;

        Assert.Empty(result.Problems);
        Assert.Empty(result.Warnings);
        Assert.NotNull(result.Definition);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    [Trait("Row", "S9")]
    public void FromJson_CanonicalJson_GivesTheSameDefinition(string sample)
    {
        var definition = WorkflowFile.Load(Path.Combine(Repository.Root, "samples", sample)).Result.Require();

        var pinned = WorkflowDefinition.FromJson(definition.CanonicalJson);
        var readAgain = WorkflowParser.Parse(JsonSource.Read(definition.CanonicalJson).Root!).Require();

        Assert.Equal(definition.Hash, pinned.Hash);
        Assert.Equal(definition.CanonicalJson, readAgain.CanonicalJson);
        Assert.Equal(definition.Graph.Order.AsEnumerable(), pinned.Graph.Order);
        Assert.Equal(definition.Limits, pinned.Limits);
    }

    [Fact]
    public void Problems_SamplesFolder_AreNone() =>
        Assert.Empty(new FolderWorkflowCatalog(Path.Combine(Repository.Root, "samples")).Problems);

    // In a folder of its own, so that a host on samples/ starts nothing that nobody asked for.
    [Fact]
    [Trait("Row", "O15")]
    public void Schedules_OfSamples_AreInTheirFolderAlone()
    {
        var folder = new FolderWorkflowCatalog(Path.Combine(Repository.Root, "samples", "schedules"));

        Assert.Empty(folder.Problems);
        var report = Assert.Single(folder.List());
        Assert.Equal(("daily-report", "Europe/Berlin"), (report.Name, Assert.Single(report.Schedules).TimeZone));
        Assert.All(new FolderWorkflowCatalog(Path.Combine(Repository.Root, "samples")).List(), workflow => Assert.Empty(workflow.Schedules));
    }
}
