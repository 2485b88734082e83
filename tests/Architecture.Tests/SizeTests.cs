using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Polyphony.Architecture.Tests;

/// <summary>No type and no method grows beyond what can be read at once.</summary>
public sealed class SizeTests
{
    private const int MaxTypeLines = 500;
    private const int MaxComplexity = 15;

    private static readonly IReadOnlyList<SyntaxTree> Sources = [.. Tree.Sources("src").Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), path: file))];

    [Fact]
    public void Types_OverAllTheirParts_HaveAtMost500Lines() =>
        HaveAtMost(MaxTypeLines, SourceMetrics.TypeLines(Sources).Select(type => (type.Key, type.Value)));

    [Fact]
    public void Methods_AreAtMost15Complex() => HaveAtMost(MaxComplexity, SourceMetrics.MemberComplexities(Sources));

    [Fact]
    public void TypeLines_OfTwoPartsWithATypeWithin_AddsThePartsAndLeavesTheInnerOut()
    {
        var lines = SourceMetrics.TypeLines([CSharpSyntaxTree.ParseText("namespace N;\npartial class A\n{\n    class B\n    {\n    }\n}\npartial class A\n{\n}\n", cancellationToken: TestContext.Current.CancellationToken)]);

        Assert.Equal(6, lines["N.A"]);
        Assert.Equal(3, lines["N.A.B"]);
    }

    [Fact]
    public void MemberComplexities_CountBranches_NotThoseOfLocalFunctions()
    {
        const string Source = """
            class A
            {
                int M(int a, int? b)
                {
                    if (a > 0 && b is not null || a < -1)
                    {
                        return b ?? 0;
                    }

                    foreach (var c in new[] { 1 }) { a += c; }
                    return a switch { 1 => Two(), _ => 0 };

                    int Two() => a > 1 ? 2 : 3;
                }
            }
            """;
        var members = SourceMetrics.MemberComplexities([CSharpSyntaxTree.ParseText(Source, cancellationToken: TestContext.Current.CancellationToken)]).ToDictionary(member => member.Member, member => member.Complexity);

        // if, &&, ||, ??, foreach and two arms; the local function's one ?:.
        Assert.Equal(8, members["A.M"]);
        Assert.Equal(2, members["A.Two"]);
    }

    private static void HaveAtMost(int limit, IEnumerable<(string Name, int Value)> measured)
    {
        var above = measured.Where(each => each.Value > limit).OrderByDescending(each => each.Value).Select(each => $"{each.Name}: {each.Value}").ToList();
        Assert.True(above.Count == 0, $"Above {limit}, divide these:\n{string.Join('\n', above)}");
    }
}
