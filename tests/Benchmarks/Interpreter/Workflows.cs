using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Engine;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>Workflow files, and a registry in which an agent's call is a step that does nothing, so that all that is left is engine and interpreter.</summary>
internal static class Workflows
{
    /// <summary>The same agent calls as a chain of agent nodes makes, in C# on the engine.</summary>
    internal const string CodeChain = "code-chain";

    /// <summary>The same agent calls as a <c>forEach</c> makes, in C# on the engine.</summary>
    internal const string CodeFan = "code-fan";

    private const string Head =
        """
        models: { fast: { provider: offline } }
        agents: { writer: { model: fast, instructions: You write., context: [] }, speaker: { model: fast, instructions: You talk. } }

        """;

    private static readonly Task<string?> Answer = Task.FromResult<string?>(JsonSerializer.Serialize(
        new AgentCallResult
        {
            Output = Payload.Inline(JsonSerializer.SerializeToElement(string.Concat(Enumerable.Repeat("Thirty bytes of an answer text.", 6)))),
            Usage = new Usage(1, 100, 50, 0),
            FinishReason = "stop",
        },
        CoreJsonContext.Default.AgentCallResult));

    // As long as what the interpreter passes to an agent of such a workflow.
    private static readonly string Call = $$"""{"scope":"{{new string('x', 500)}}"}""";

    /// <summary>Fills a registry: the activities as shipped, but for the agent.</summary>
    internal static void Register(EmbeddedEngine engine, DurableRegistry registry)
    {
        var shipped = new PolyphonyActivities(
            new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, new NoModels(), new ToolRegistry(), TimeProvider.System, NullLoggerFactory.Instance)
            .Register(new DurableRegistry());
        foreach (var (name, function) in shipped.Activities)
        {
            registry.AddActivity(name, name == TaskNames.Agent ? static (_, _) => Answer : function);
        }

        registry.AddWorkflows(engine.Definitions, InterpreterOptions.InMemory)
            .AddOrchestration(CodeChain, static async (context, input) =>
            {
                for (var left = int.Parse(input!, CultureInfo.InvariantCulture); left > 0; left--)
                {
                    await context.CallActivityAsync(TaskNames.Agent, Call);
                }

                return null;
            })
            .AddOrchestration(CodeFan, static async (context, input) =>
            {
                await Task.WhenAll(Enumerable.Range(0, int.Parse(input!, CultureInfo.InvariantCulture)).Select(_ => context.CallActivityAsync(TaskNames.Agent, Call)));
                return null;
            });
    }

    internal static WorkflowClient ClientOf(EmbeddedEngine engine, params IReadOnlyList<WorkflowDefinition> catalog) =>
        new(engine.Client, new Catalog(catalog), engine.Definitions, engine.Payloads);

    /// <summary>Agents one after the other, each with what the one before it said.</summary>
    internal static WorkflowDefinition AgentChain(int nodes) =>
        Chain($"agents-{nodes}", nodes, before => $$$"""{ agent: writer, prompt: "Make this shorter: {{ {{{before}}} }}" }""");

    /// <summary>Agents one after the other, of which each gets all that was said before it.</summary>
    internal static WorkflowDefinition Conversation(int nodes) => Chain($"conversation-{nodes}", nodes, _ => "{ agent: speaker, prompt: Go on. }");

    /// <summary>Transforms one after the other, each over what the one before it gave.</summary>
    internal static WorkflowDefinition TransformChain(int nodes) =>
        Chain($"transforms-{nodes}", nodes, before => $$$"""{ transform: { text: "{{ {{{before}}} }}", more: true } }""", ".text");

    /// <summary>One agent over a list of items.</summary>
    internal static WorkflowDefinition ForEach() => Parse(
        $$$"""
        name: items
        input: { type: object, properties: { items: { type: array, items: { type: integer } } } }
        limits: { maxModelCalls: 100000, maxConcurrency: 1000 }
        {{{Head}}}
        nodes:
          each: { agent: writer, forEach: "{{ input.items }}", prompt: "Say {{ item }}." }
        """);

    internal static WorkflowDefinition Parse(string yaml)
    {
        var read = YamlSource.Read(yaml);
        var parsed = read.Root is null ? null : WorkflowParser.Parse(read.Root);
        return parsed?.Definition ?? throw new InvalidOperationException($"The benchmark's workflow is not valid: {string.Join("; ", parsed?.Problems ?? read.Problems)}");
    }

    internal static async Task RunAsync(WorkflowClient client, WorkflowDefinition workflow, string input = """{"text":"Thirty bytes of an answer text."}""")
    {
        var id = await client.StartAsync(workflow, JsonElement.Parse(input));
        var ended = await client.Durable.WaitForCompletionAsync(id);
        if (ended.RuntimeStatus != OrchestrationRuntimeStatus.Completed || !ended.Output!.Contains("\"completed\"", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"Workflow \"{workflow.Name}\" ended as {ended.RuntimeStatus} with {ended.Output}; expected completed: {ended.FailureDetails?.ErrorMessage}");
        }
    }

    private static WorkflowDefinition Chain(string name, int nodes, Func<string, string> node, string field = "")
    {
        var yaml = new StringBuilder($"name: {name}\ninput: {{ type: object, properties: {{ text: {{ type: string }} }} }}\nlimits: {{ maxModelCalls: 100000 }}\n{Head}nodes:\n");
        for (var i = 0; i < nodes; i++)
        {
            yaml.Append($"  n{i}: {node(i == 0 ? "input.text" : $"nodes.n{i - 1}.output{field}")}\n");
        }

        yaml.Append("edges:\n  - ").AppendJoin(" -> ", Enumerable.Range(0, nodes).Select(i => $"n{i}")).Append('\n');
        return Parse(yaml.ToString());
    }

    private sealed class NoModels : IModelRegistry
    {
        public ResolvedModel Resolve(WorkflowDefinition workflow, string alias) => throw new NotSupportedException("No model is asked in a benchmark.");
    }

    private sealed class Catalog(IReadOnlyList<WorkflowDefinition> definitions) : IWorkflowCatalog
    {
        public WorkflowDefinition? Find(string name) => definitions.FirstOrDefault(definition => definition.Name == name);

        public IReadOnlyList<WorkflowDefinition> List() => definitions;
    }
}
