using System.Text.Json.Nodes;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Tests.Workflows;

[Trait("Row", "O8")]
[Trait("Row", "B1")]
public sealed class WorkflowLinksTests
{
    private static readonly JsonNode Schema = JsonNode.Parse("""
        { "type": "object", "required": ["text", "count"], "properties": { "text": { "type": "string" }, "count": { "type": "integer" } }, "additionalProperties": false }
        """)!;

    [Fact]
    public void Check_UnknownWorkflow_IsAProblemWithAHint()
    {
        var problem = Assert.Single(Check(Parent("chld", null), Child("child")));

        Assert.Equal(("unknown_workflow", "nodes.sub.workflow", "there is no workflow \"chld\"", "Did you mean \"child\"?"), (problem.Code, problem.Path, problem.Message, problem.Hint));
    }

    [Fact]
    public void Check_InputThatFits_IsNoProblem() =>
        Assert.Empty(Check(Parent("child", JsonNode.Parse("""{ "text": "{{ input.a }}", "count": 3 }""")), Child("child")));

    [Fact]
    public void Check_TemplateForANumber_IsLeftToTheRun() =>
        Assert.Empty(Check(Parent("child", JsonNode.Parse("""{ "text": "x", "count": "{{ input.n }}" }""")), Child("child")));

    [Fact]
    public void Check_WholeInputFromATemplate_IsLeftToTheRun() => Assert.Empty(Check(Parent("child", "{{ input }}"), Child("child")));

    [Fact]
    public void Check_InputThatDoesNotFit_ReportsEveryViolation()
    {
        var problems = Check(Parent("child", JsonNode.Parse("""{ "text": 5, "colour": "red" }""")), Child("child"));

        Assert.Equal(3, problems.Count);
        Assert.All(problems, problem => Assert.Equal(("workflow_input", "nodes.sub.input"), (problem.Code, problem.Path)));
    }

    [Fact]
    public void Check_NoInputWhereOneIsNeeded_IsAProblem() =>
        Assert.Equal("the workflow \"child\" needs an input", Assert.Single(Check(Parent("child", null), Child("child"))).Message);

    [Fact]
    public void Check_WorkflowThatRunsItself_ShowsTheCycle()
    {
        var a = new WorkflowBuilder("a").WorkflowNode("sub", "b");
        var b = new WorkflowBuilder("b").WorkflowNode("sub", "c").Build();
        var c = new WorkflowBuilder("c").WorkflowNode("sub", "a").Build();

        var problem = Assert.Single(WorkflowLinks.Check(a.Parse(), new MapCatalog(a.Build(), b, c)));

        Assert.Equal(("workflow_recursion", "the workflow \"a\" runs itself: a -> b -> c -> a"), (problem.Code, problem.Message));
    }

    [Fact]
    public void Check_WorkflowThatNamesItself_IsRecursion() =>
        Assert.Equal("workflow_recursion", Assert.Single(Check(Parent("parent", null))).Code);

    private static IReadOnlyList<WorkflowProblem> Check(WorkflowBuilder parent, params IEnumerable<WorkflowDefinition> others) =>
        WorkflowLinks.Check(parent.Parse(), new MapCatalog(others));

    private static WorkflowBuilder Parent(string child, JsonNode? input) => new WorkflowBuilder("parent").WorkflowNode("sub", child, input);

    private static WorkflowDefinition Child(string name) => new WorkflowBuilder(name).Input(Schema).TransformNode("a", 1).Build();
}
