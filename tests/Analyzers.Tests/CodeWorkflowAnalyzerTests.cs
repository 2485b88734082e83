using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Polyphony.Activities.Apps;

namespace Polyphony.Analyzers.Tests;

[Trait("Row", "O14")]
public sealed class CodeWorkflowAnalyzerTests
{
    private static readonly IReadOnlyList<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    [Theory]
    [InlineData("DateTime.Now", "PLY0001")]
    [InlineData("DateTime.UtcNow", "PLY0001")]
    [InlineData("DateTime.Today", "PLY0001")]
    [InlineData("DateTimeOffset.Now", "PLY0001")]
    [InlineData("DateTimeOffset.UtcNow", "PLY0001")]
    [InlineData("TimeProvider.System", "PLY0001")]
    [InlineData("Stopwatch.StartNew()", "PLY0001")]
    [InlineData("Environment.TickCount64", "PLY0001")]
    [InlineData("Guid.NewGuid()", "PLY0001")]
    [InlineData("Guid.CreateVersion7()", "PLY0001")]
    [InlineData("Random.Shared", "PLY0001")]
    [InlineData("new Random()", "PLY0001")]
    [InlineData("RandomNumberGenerator.GetInt32(3)", "PLY0001")]
    [InlineData("Task.Run(() => 1)", "PLY0002")]
    [InlineData("Task.Factory.StartNew(() => 1)", "PLY0002")]
    [InlineData("Task.Delay(1)", "PLY0002")]
    [InlineData("((Func<int>)(() => { Thread.Sleep(1); return 1; }))()", "PLY0002")]
    [InlineData("new Timer(_ => { })", "PLY0002")]
    [InlineData("Parallel.For(0, 1, _ => { })", "PLY0002")]
    [InlineData("Task.FromResult(1).ConfigureAwait(false)", "PLY0002")]
    [InlineData("((Task)Task.FromResult(1)).ConfigureAwait(false)", "PLY0002")]
    [InlineData("new ValueTask<int>(1).ConfigureAwait(false)", "PLY0002")]
    [InlineData("Environment.GetEnvironmentVariable(\"A\")", "PLY0003")]
    [InlineData("File.ReadAllText(\"a\")", "PLY0003")]
    [InlineData("Directory.GetFiles(\".\")", "PLY0003")]
    [InlineData("new HttpClient()", "PLY0003")]
    [InlineData("Process.Start(\"a\")", "PLY0003")]
    [InlineData("new[] { \"a\" }.Select(File.ReadAllText)", "PLY0003")]
    public async Task Body_WithAForbiddenCall_IsReportedThere(string call, string rule)
    {
        var source = App($"polyphony.AddCodeWorkflow(workflow, async (code, input) => {{ var x = {call}; return input; }});");

        var found = Assert.Single(await AnalyzeAsync(source));
        Assert.Equal(rule, found.Id);
        Assert.Contains(source.Substring(found.Location.SourceSpan.Start, found.Location.SourceSpan.Length), call, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("new Random(7).Next()")]
    [InlineData("DateTime.Parse(\"2026-01-01\")")]
    [InlineData("new DateTime(2026, 1, 1).AddDays(1)")]
    [InlineData("new Guid(\"00000000-0000-0000-0000-000000000001\")")]
    [InlineData("code.Durable.CurrentUtcDateTime")]
    [InlineData("code.Durable.NewGuid()")]
    [InlineData("await Task.WhenAll(code.CallToolAsync(\"a\", input), code.CallToolAsync(\"b\", input))")]
    [InlineData("await code.CallToolAsync(\"a\", input).ConfigureAwait(true)")]
    [InlineData("Environment.NewLine")]
    [InlineData("Path.GetFileName(\"a\")")]
    public async Task Body_WithADeterministicCall_IsFine(string call) =>
        Assert.Empty(await AnalyzeAsync(App($"polyphony.AddCodeWorkflow(workflow, async (code, input) => {{ var x = {call}; return input; }});")));

    [Fact]
    public async Task Body_ThatIsAMethodOrReachesOne_IsReportedWhereTheCallStands()
    {
        var source = App(
            """
            polyphony.AddCodeWorkflow(workflow, RunAsync).AddCodeWorkflow(workflow, RunAsync);

            static async Task<JsonElement?> RunAsync(CodeWorkflow code, JsonElement input)
            {
                var clock = new Clock();
                return clock.Even(1) && Local() ? input : null;

                static bool Local() => Clock.Now.Year > 2000;
            }
            """,
            """
            internal sealed class Clock
            {
                private readonly Guid _id;
                public Clock() { _id = Guid.NewGuid(); }
                public static DateTime Now => DateTime.UtcNow;
                public bool Even(int n) => n == 0 ? _id == default : Odd(n - 1);
                public bool Odd(int n) => n == 0 ? Random.Shared.Next() > 1 : Even(n - 1);
                public static DateTime NeverCalled() => DateTime.Now;
            }
            """);

        Assert.Equal(["DateTime.UtcNow", "Guid.NewGuid()", "Random.Shared"], (await AnalyzeAsync(source)).Select(found => source.Substring(found.Location.SourceSpan.Start, found.Location.SourceSpan.Length)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Body_WithTypes_IsReportedToo()
    {
        var found = Assert.Single(await AnalyzeAsync(App("polyphony.AddCodeWorkflow<string, string>(workflow, async (code, input) => DateTime.UtcNow.ToString(\"O\"));")));

        Assert.Equal("DateTime.UtcNow gives another value in each replay of the workflow. Use workflow.Durable.CurrentUtcDateTime.", found.GetMessage(CultureInfo.InvariantCulture));
        Assert.Equal(DiagnosticSeverity.Warning, found.Severity);
    }

    [Fact]
    public async Task OtherCode_OfTheSameApp_MayDoWhatItLikes() =>
        Assert.Empty(await AnalyzeAsync(App("polyphony.AddCodeWorkflow(workflow, async (code, input) => input); Func<DateTime> now = () => DateTime.UtcNow; await Task.Delay(1); now();")));

    [Fact]
    public async Task Project_WithoutPolyphony_IsNotLookedAt()
    {
        const string Source = "using System; var now = DateTime.UtcNow; delegate DateTime CodeWorkflowFunction(); class A { CodeWorkflowFunction f = () => DateTime.UtcNow; }";
        Assert.Empty(await AnalyzeAsync(Source, [.. References.Where(each => !each.Display!.Contains("Polyphony", StringComparison.Ordinal))]));
    }

    private static string App(string statements, string types = "") => $$"""
        using System;
        using System.Diagnostics;
        using System.IO;
        using System.Linq;
        using System.Net.Http;
        using System.Security.Cryptography;
        using System.Text.Json;
        using System.Threading;
        using System.Threading.Tasks;
        using {{typeof(PolyphonyBuilder).Namespace}};
        using Polyphony.Core.CodeFirst;
        using Polyphony.Core.Definitions;

        PolyphonyBuilder polyphony = null!;
        var workflow = new WorkflowBuilder("w");
        {{statements}}
        {{types}}
        """;

    private static async Task<IReadOnlyList<Diagnostic>> AnalyzeAsync(string source, IReadOnlyList<MetadataReference>? references = null)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var compilation = CSharpCompilation.Create(
            "app", [CSharpSyntaxTree.ParseText(source, cancellationToken: cancellationToken)], references ?? References, new CSharpCompilationOptions(OutputKind.ConsoleApplication));
        Assert.Empty(compilation.GetDiagnostics(cancellationToken).Where(each => each.Severity == DiagnosticSeverity.Error));

        var found = await compilation
            .WithAnalyzers([new CodeWorkflowAnalyzer()], new CompilationWithAnalyzersOptions(new AnalyzerOptions([]), null, concurrentAnalysis: true, logAnalyzerExecutionTime: false))
            .GetAllDiagnosticsAsync(cancellationToken);
        Assert.DoesNotContain(found, each => each.Id == "AD0001");
        return [.. found.Where(each => each.Id.StartsWith("PLY", StringComparison.Ordinal))];
    }
}
