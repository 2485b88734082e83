using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Tools;

/// <summary>The tools of workflow files that run other workflows, as models see them. The run around the agent makes the calls.</summary>
/// <param name="definitions">The pinned definitions.</param>
internal sealed class WorkflowTools(DefinitionCache definitions)
{
    /// <summary>Finds a tool.</summary>
    /// <param name="workflow">The workflow whose agent may call it.</param>
    /// <param name="name">Its name.</param>
    /// <param name="pinned">The definitions that were pinned with the run, as hashes by tool.</param>
    /// <returns>The tool; <see langword="null"/> if no workflow stands behind it.</returns>
    public ResolvedTool? Find(WorkflowDefinition workflow, string name, IReadOnlyDictionary<string, string>? pinned)
    {
        if (pinned?.GetValueOrDefault(name) is not { } hash || !workflow.WorkflowTools.TryGetValue(name, out var tool))
        {
            return null;
        }

        var called = definitions.Get(hash);
        var parameters = called.Input ?? ToolDefinition.NoParameters;
        return new ResolvedTool(new Declaration(name, tool.Description ?? called.Description ?? "", parameters.Json), parameters) { RunsWorkflow = true };
    }

    private sealed class Declaration(string name, string description, JsonElement parameters) : AIFunction
    {
        public override string Name => name;

        public override string Description => description;

        public override JsonElement JsonSchema => parameters;

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
            throw new NotSupportedException($"The tool \"{name}\" runs a workflow: the run around the agent starts it.");
    }
}
