using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Core.Tests.Definitions;

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

    [Fact]
    public void Check_WorkflowThatUsesOneThatRunsItself_ShowsThatCycle()
    {
        var a = new WorkflowBuilder("a").WorkflowNode("sub", "b");
        var b = new WorkflowBuilder("b").WorkflowNode("sub", "c").Build();
        var c = new WorkflowBuilder("c").WorkflowNode("sub", "b").Build();
        var catalog = new MapCatalog(a.Build(), b, c);

        Assert.Equal("the workflow \"b\" runs itself: b -> c -> b", Assert.Single(WorkflowLinks.Check(a.Parse(), catalog)).Message);
        Assert.Equal("workflow_recursion", WorkflowLinks.FindRecursion(a.Build(), catalog)?.Code);
    }

    [Fact]
    public void FindRecursion_WorkflowThatIsUsedTwice_IsNone()
    {
        var a = new WorkflowBuilder("a").WorkflowNode("one", "b").WorkflowNode("two", "c").Build();
        var b = new WorkflowBuilder("b").WorkflowNode("sub", "c").Build();
        var c = new WorkflowBuilder("c").TransformNode("n", 1).Build();

        Assert.Null(WorkflowLinks.FindRecursion(a, new MapCatalog(a, b, c)));
    }

    [Fact]
    public void Check_InputForAWorkflowThatReadsNone_IsAProblem()
    {
        var blind = new WorkflowBuilder("child").TransformNode("n", 1).Build();
        var reads = new WorkflowBuilder("child").TransformNode("n", "{{ input.a }}").Build();
        var parent = Parent("child", JsonNode.Parse("""{ "a": 1 }"""));

        Assert.Equal("the workflow \"child\" takes no input", Assert.Single(Check(parent, blind)).Message);
        Assert.Empty(Check(parent, reads));
        Assert.Empty(Check(Parent("child", JsonNode.Parse("{}")), blind));
    }

    [Fact]
    [Trait("Row", "O12")]
    public void Check_ToolsThatRunWorkflows_AreHeldToThem()
    {
        var text = new WorkflowBuilder("text").Input(JsonNode.Parse("""{ "type": "string" }""")!).TransformNode("a", 1).Build();
        var back = new WorkflowBuilder("back").WorkflowNode("sub", "parent").Build();
        var problems = Check(WithTools("chld", "child", "text", "back"), Child("child"), text, back, WithTools("back").Build());

        Assert.Equal(
            [
                ("unknown_workflow", "tools.t0.workflow", "there is no workflow \"chld\""),
                ("workflow_input", "tools.t2.workflow", "the workflow \"text\" does not say that its input is an object, so that a model does not know what to give it"),
                ("workflow_recursion", "tools.t3.workflow", "the workflow \"parent\" runs itself: parent -> back -> parent"),
            ],
            problems.Select(problem => (problem.Code, problem.Path, problem.Message)));
    }

    private static WorkflowBuilder WithTools(params string[] workflows)
    {
        var names = workflows.Select((_, i) => $"t{i}").ToArray();
        var builder = new WorkflowBuilder("parent").Model("m", "offline").Agent("a", "m", configure: agent => agent.Tools(names)).AgentNode("x", "a", "go");
        for (var i = 0; i < names.Length; i++)
        {
            builder.WorkflowTool(names[i], workflows[i]);
        }

        return builder;
    }

    private static IReadOnlyList<WorkflowProblem> Check(WorkflowBuilder parent, params IEnumerable<WorkflowDefinition> others) =>
        WorkflowLinks.Check(parent.Parse(), new MapCatalog(others));

    private static WorkflowBuilder Parent(string child, JsonNode? input) => new WorkflowBuilder("parent").WorkflowNode("sub", child, input);

    private static WorkflowDefinition Child(string name) => new WorkflowBuilder(name).Input(Schema).TransformNode("a", 1).Build();
}
