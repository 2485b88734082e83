namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>What is wrong with a team in a file, and how many calls one can make.</summary>
[Trait("Row", "O11")]
public sealed class TeamDefinitionTests
{
    [Theory]
    [InlineData("manager: chair", "not_applicable at manager")]
    [InlineData("speaker: selector", "missing_key at manager")]
    [InlineData("speaker: selector, manager: ann", "invalid_value at manager")]
    [InlineData("speaker: selector, manager: nobody", "unknown_agent at manager")]
    [InlineData("speaker: loudest", "invalid_value at speaker")]
    [InlineData("allowRepeat: true", "not_applicable at allowRepeat")]
    [InlineData("person: somebody", "not_applicable at person")]
    [InlineData("maxStalls: 3, maxReplans: 1", "not_applicable at maxStalls|not_applicable at maxReplans")]
    [InlineData("maxTurns: 0", "invalid_value at maxTurns")]
    [InlineData("retry: { maxAttempts: 2 }", "not_applicable at retry")]
    [InlineData("termination: { textMention: x, from: zoe }", "unknown_name at termination.from")]
    [InlineData("termination: { when: \"message.nothing\" }", "type_error at termination.when")]
    [InlineData("compact: { agent: ann }", "invalid_value at compact.agent")]
    [InlineData("compact: { above: 10 }", "missing_key at compact.agent|invalid_value at compact.above")]
    [InlineData("compact: { agent: nobody }", "unknown_agent at compact.agent")]
    [InlineData("onError: { agent: cleo }", "not_applicable at onError")]
    public void Parse_WrongTeam_SaysWhat(string team, string expected)
    {
        var read = Core.Definitions.Sources.YamlSource.Read(Teams.Team(team));
        var problems = Core.Definitions.WorkflowParser.Parse(read.Root!).Problems;

        Assert.Equal(expected.Split('|'), problems.Select(problem => $"{problem.Code} at {problem.Path.Replace("nodes.debate.", "", StringComparison.Ordinal)}"));
    }

    [Theory]
    [InlineData("maxTurns: 5", "At most 15 model calls (5 without retries).")]
    [InlineData("maxTurns: 5, termination: { maxMessages: 2 }", "At most 6 model calls (2 without retries).")]
    [InlineData("compact: { agent: chair }, maxTurns: 2", "At most 12 model calls (4 without retries).")]
    [InlineData("speaker: selector, manager: chair, maxTurns: 2", "At most 18 model calls (4 without retries).")]
    public void Proof_OfATeam_BoundsItsCalls(string team, string expected) =>
        Assert.StartsWith(expected, Core.Definitions.WorkflowProof.Of(TestHost.Parse(Teams.Team(team))).ToString());
}
