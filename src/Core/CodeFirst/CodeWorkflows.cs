using System.Text.Json;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.CodeFirst;

/// <summary>A workflow written in C#: an orchestrator function with agents.</summary>
/// <param name="workflow">Agents, tools, people, time. Everything asynchronous must come from here or from <see cref="CodeWorkflow.Durable"/>.</param>
/// <param name="input">The input; JSON null if there was none. Above <see cref="CodeWorkflow.MaxReadBytes"/> the run fails with <c>value_too_large</c>: let a tool read large values instead.</param>
/// <returns>The output.</returns>
public delegate Task<JsonElement?> CodeWorkflowFunction(CodeWorkflow workflow, JsonElement input);

/// <summary>A workflow in C# with a typed input and output.</summary>
/// <typeparam name="TInput">The input, read with the web defaults of System.Text.Json; its schema is checked at each start.</typeparam>
/// <typeparam name="TOutput">The output.</typeparam>
/// <param name="workflow">Agents, tools, people, time.</param>
/// <param name="input">The input.</param>
/// <returns>The output.</returns>
public delegate Task<TOutput> CodeWorkflowFunction<in TInput, TOutput>(CodeWorkflow workflow, TInput input);

/// <summary>
/// The workflows of a program that are written in C#, for logic that a file can't express. They are started, listed, pinned and shown like those of files. What an instance pins of one is its
/// models, agents and limits, so that an edited instruction leaves instances in flight as they were. The function itself is code: it is replayed, so it must be deterministic. Filled at start,
/// read by any thread after that.
/// </summary>
public sealed class CodeWorkflows
{
    private readonly SortedDictionary<string, (WorkflowDefinition Definition, CodeWorkflowFunction Function)> _all = new(StringComparer.Ordinal);

    /// <summary>Gets the definitions of the workflows, ordered by name.</summary>
    public IReadOnlyList<WorkflowDefinition> Definitions => [.. _all.Values.Select(each => each.Definition)];

    /// <summary>Adds a workflow.</summary>
    /// <param name="workflow">Its name, models, agents, limits and input.</param>
    /// <param name="function">The function. Deterministic: it is replayed.</param>
    /// <param name="workflows">The workflows that the function runs, by name.</param>
    /// <returns>This collection.</returns>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid; every problem is listed.</exception>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public CodeWorkflows Add(WorkflowBuilder workflow, CodeWorkflowFunction function, params IEnumerable<string> workflows)
    {
        var definition = workflow.BuildCode(workflows);
        Add(definition.Name, (definition, function));
        return this;
    }

    /// <summary>Adds a workflow with a typed input and output.</summary>
    /// <typeparam name="TInput">The input. Its schema becomes the workflow's.</typeparam>
    /// <typeparam name="TOutput">The output.</typeparam>
    /// <param name="workflow">Its name, models, agents and limits.</param>
    /// <param name="function">The function. Deterministic: it is replayed.</param>
    /// <param name="workflows">The workflows that the function runs, by name.</param>
    /// <returns>This collection.</returns>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid; every problem is listed.</exception>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public CodeWorkflows Add<TInput, TOutput>(WorkflowBuilder workflow, CodeWorkflowFunction<TInput, TOutput> function, params IEnumerable<string> workflows) => Add(
        workflow.Input(TypedJson.SchemaOf(typeof(TInput))),
        async (code, input) => TypedJson.Write(await function(code, TypedJson.Read<TInput>(input, "input"))),
        workflows);

    /// <summary>Adds the workflows of another collection.</summary>
    /// <param name="others">The other collection.</param>
    /// <returns>This collection.</returns>
    /// <exception cref="ArgumentException">A name is taken.</exception>
    public CodeWorkflows Add(CodeWorkflows others)
    {
        foreach (var (name, each) in others._all)
        {
            Add(name, each);
        }

        return this;
    }

    /// <summary>Finds the definition of a workflow.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The definition, or <see langword="null"/>.</returns>
    public WorkflowDefinition? FindDefinition(string name) => _all.TryGetValue(name, out var found) ? found.Definition : null;

    private void Add(string name, (WorkflowDefinition Definition, CodeWorkflowFunction Function) workflow)
    {
        if (!_all.TryAdd(name, workflow))
        {
            throw new ArgumentException($"There are two workflows in C# with the name \"{name}\". Rename one.", nameof(workflow));
        }
    }

    internal CodeWorkflowFunction? Find(string name) => _all.TryGetValue(name, out var found) ? found.Function : null;
}
