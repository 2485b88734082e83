using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>Which nodes may replace the same value of the state.</summary>
[Trait("Row", "S12")]
[Trait("Row", "B1")]
public sealed class StateCheckerTests
{
    [Theory]
    [InlineData(true, "first -> left -> right")]
    [InlineData(true, "first -> left", "left -> between -> right")]
    [InlineData(false, "first -> [left, right]")]
    [InlineData(false, "first -> left", "[left, first] -> right")]
    [InlineData(true, "{ from: first, to: left, when: nodes.first.output }", "{ from: first, to: right, when: \"!nodes.first.output\" }")]
    [InlineData(true, "{ from: first, to: right, when: \"!(round > 1)\" }", "{ from: first, to: left, when: round > 1 }")]
    [InlineData(true, "{ from: first, to: between, when: round > 1 }", "between -> left", "{ from: first, to: right, when: \"!(round > 1)\" }")]
    [InlineData(false, "{ from: first, to: left, when: nodes.first.output == true }", "{ from: first, to: right, when: \"!nodes.first.output == true\" }")]
    [InlineData(false, "{ from: first, to: left, when: round > 1 }", "{ from: first, to: right, when: round < 2 }")]
    [InlineData(false, "{ from: first, to: between, when: round > 1 }", "first -> left", "between -> left", "{ from: first, to: right, when: \"!(round > 1)\" }")]
    [InlineData(true, "first -> left", "{ from: left, to: left, when: round < 3, max: 5 }", "left -> right")]
    [InlineData(false, "first -> [left, right] -> between", "{ from: between, to: first, when: round < 3, max: 5 }")]
    public void Replace_ByTwoNodes_IsAllowedIfNeverBothAtATime(bool isAllowed, params string[] edges)
    {
        // With join: any, the second branch of the fourth case may begin before the first has ended.
        var yaml = $$"""
            name: t
            state: { s: replace }
            nodes:
              first: { transform: "{{"{{ round > 1 }}"}}" }
              left: { transform: 1, write: { s: 1 } }
              right: { transform: 1, join: any, write: { s: 2 } }
              between: { transform: "{{"{{ state.s }}"}}" }
            edges: [{{string.Join(", ", edges.Select(edge => edge.StartsWith('{') ? edge : $"\"{edge}\""))}}]
            """;

        var problems = WorkflowParser.Parse(YamlSource.Read(yaml).Root!).Problems;

        Assert.Equal(isAllowed ? [] : ["state_conflict"], problems.Select(problem => problem.Code));
    }
}
