using Polyphony.Activities.Workflows;
using Polyphony.Core.Workflows;
namespace Polyphony.Activities.Tests.Workflows;
public sealed class SmokeTests(ITestOutputHelper output)
{
    [Fact]
    public void Smoke()
    {
        foreach (var file in Directory.GetFiles(Environment.GetEnvironmentVariable("SMOKE") ?? "/tmp/wt/flow/samples", "*.yaml"))
        {
            var read = YamlSource.Read(File.ReadAllText(file), Path.GetFileName(file));
            output.WriteLine(file);
            foreach (var p in read.Problems) output.WriteLine(p.ToString());
            if (read.Root is null) continue;
            var result = WorkflowParser.Parse(read.Root, Path.GetFileName(file));
            foreach (var p in result.Problems) output.WriteLine("ERROR " + p.Path + " | " + p);
            foreach (var p in result.Warnings) output.WriteLine("WARN  " + p.Path + " | " + p);
            if (result.Definition is null) continue;
            output.WriteLine(result.Definition.CanonicalJson);
            output.WriteLine(string.Join(",", result.Definition.Graph.Order.Select(n => result.Definition.Graph.Nodes[n].Name)));
            var again = WorkflowDefinition.FromJson(result.Definition.CanonicalJson);
            var twice = WorkflowParser.Parse(JsonSource.Read(result.Definition.CanonicalJson).Root!);
            foreach (var p in twice.Problems) output.WriteLine("AGAIN " + p);
            Assert.Equal(result.Definition.Hash, again.Hash);
            Assert.Equal(result.Definition.CanonicalJson, twice.Definition?.CanonicalJson);
        }
    }
}
