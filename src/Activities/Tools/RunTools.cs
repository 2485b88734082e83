using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>The tools of workflow files whose calls the run around the agent makes, as models see them: those that run other workflows, and those that ask people.</summary>
/// <param name="definitions">The pinned definitions.</param>
internal sealed class RunTools(DefinitionCache definitions)
{
    /// <summary>Finds a tool.</summary>
    /// <param name="workflow">The workflow whose agent may call it.</param>
    /// <param name="name">Its name.</param>
    /// <param name="pinned">The definitions that were pinned with the run, as hashes by tool.</param>
    /// <returns>The tool; <see langword="null"/> if its calls are made elsewhere.</returns>
    public ResolvedTool? Find(WorkflowDefinition workflow, string name, IReadOnlyDictionary<string, string>? pinned) => workflow.Tools.GetValueOrDefault(name) switch
    {
        HumanToolDefinition human => Resolve(human, human.Description, human.Parameters),
        WorkflowToolDefinition run when pinned?.GetValueOrDefault(name) is { } hash && definitions.Get(hash) is { } called => Resolve(run, run.Description ?? called.Description, called.Input),
        _ => null,
    };

    private static ResolvedTool Resolve(ToolDefinition tool, string? description, JsonSchema? parameters)
    {
        parameters ??= ToolDefinition.NoParameters;
        return new ResolvedTool(new Declaration(tool.Name, description ?? "", parameters.Json), parameters) { OfRun = tool };
    }

    private sealed class Declaration(string name, string description, JsonElement parameters) : AIFunction
    {
        public override string Name => name;

        public override string Description => description;

        public override JsonElement JsonSchema => parameters;

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
            throw new NotSupportedException($"The run around the agent makes the calls of the tool \"{name}\".");
    }
}
