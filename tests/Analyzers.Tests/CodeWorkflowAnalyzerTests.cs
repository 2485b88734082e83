using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Polyphony.Core.CodeFirst;

namespace Polyphony.Analyzers.Tests;

[Trait("Row", "H16")]
public sealed class CodeWorkflowAnalyzerTests
{
    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    [Theory]
    [InlineData("var now = DateTime.UtcNow;", "DateTime.UtcNow")]
    [InlineData("var now = DateTimeOffset.Now;", "DateTimeOffset.Now")]
    [InlineData("var now = TimeProvider.System.GetUtcNow();", "TimeProvider.GetUtcNow")]
    [InlineData("var id = Guid.NewGuid();", "Guid.NewGuid")]
    [InlineData("var n = Random.Shared.Next();", "Random.Shared")]
    [InlineData("var n = new Random().Next();", "new Random()")]
    [InlineData("await Task.Delay(10);", "Task.Delay")]
    [InlineData("await Task.Run(() => 1);", "Task.Run")]
    [InlineData("await workflow.CallToolAsync(\"t\", input).ConfigureAwait(false);", "Task.ConfigureAwait")]
    [InlineData("Thread.Sleep(1);", "Thread.Sleep")]
    [InlineData("var s = Environment.GetEnvironmentVariable(\"A\");", "Environment.GetEnvironmentVariable")]
    [InlineData("var s = System.IO.File.ReadAllText(\"a\");", "File.ReadAllText")]
    [InlineData("var s = await new System.Net.Http.HttpClient().GetStringAsync(\"a\");", "new HttpClient()", "HttpClient.GetStringAsync")]
    [InlineData("Func<DateTime> f = () => DateTime.Now;", "DateTime.Now")]
    [InlineData("var now = workflow.Durable.CurrentUtcDateTime; var id = workflow.Durable.NewGuid(); var n = new Random(7).Next(); await workflow.CallAgentAsync(\"a\", \"b\" + Environment.NewLine);")]
    public async Task Workflow_CallThatChangesOnReplay_IsFound(string statement, params string[] expected)
    {
        foreach (var source in (string[])[Lambda(statement), TypedLambda(statement), Method(statement), LocalFunction(statement)])
        {
            Assert.Equal(expected, await FindAsync(source));
        }
    }

    [Fact]
    public async Task OtherCode_CallThatChangesOnReplay_IsLeftAlone() => Assert.Empty(await FindAsync($$"""
        class Other
        {
            Func<DateTime> now = () => DateTime.UtcNow;
            void Add(CodeWorkflows all, WorkflowBuilder w) { var id = Guid.NewGuid(); all.Add(w, (workflow, input) => Task.FromResult<JsonElement?>(null)); }
        }
        """));

    private static string Lambda(string statement) =>
        $$"""class C { void Add(CodeWorkflows all, WorkflowBuilder w) => all.Add(w, async (workflow, input) => { {{statement}} await Task.CompletedTask; return null; }); }""";

    private static string TypedLambda(string statement) =>
        $$"""class C { void Add(CodeWorkflows all, WorkflowBuilder w) => all.Add<JsonElement, string>(w, async (workflow, input) => { {{statement}} await Task.CompletedTask; return ""; }); }""";

    private static string Method(string statement) => $$"""
        class C
        {
            async Task<JsonElement?> RunAsync(CodeWorkflow workflow, JsonElement input) { {{statement}} await Task.CompletedTask; return null; }
            void Add(CodeWorkflows all, WorkflowBuilder w) => all.Add(w, RunAsync);
        }
        """;

    private static string LocalFunction(string statement) => $$"""
        class C
        {
            void Add(CodeWorkflows all, WorkflowBuilder w)
            {
                all.Add(w, RunAsync);
                async Task<JsonElement?> RunAsync(CodeWorkflow workflow, JsonElement input) { {{statement}} await Task.CompletedTask; return null; }
            }
        }
        """;

    private static async Task<string[]> FindAsync(string source)
    {
        const string Usings = "using System; using System.Text.Json; using System.Threading; using System.Threading.Tasks; using Polyphony.Core.CodeFirst; using Polyphony.Core.Definitions;\n";
        var compilation = CSharpCompilation.Create(
            "workflows", [CSharpSyntaxTree.ParseText(Usings + source, cancellationToken: TestContext.Current.CancellationToken)], References, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        Assert.Empty(compilation.GetDiagnostics(TestContext.Current.CancellationToken).Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        Assert.Contains(typeof(CodeWorkflows).Assembly.Location, References.Select(reference => reference.Display));
        var found = await compilation.WithAnalyzers(ImmutableArray.Create<DiagnosticAnalyzer>(new CodeWorkflowAnalyzer())).GetAnalyzerDiagnosticsAsync(TestContext.Current.CancellationToken);
        Assert.All(found, diagnostic => Assert.Equal(CodeWorkflowAnalyzer.Id, diagnostic.Id));
        return [.. found.OrderBy(diagnostic => diagnostic.Location.SourceSpan.End).Select(diagnostic => diagnostic.GetMessage().Split(" may give")[0])];
    }
}
