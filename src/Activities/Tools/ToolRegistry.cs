using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>
/// The tools that workflows call on a host, by name: those that the workflow itself describes, the functions of the program, and those of the host's tool servers, in this order. Filled at start,
/// read-only afterwards.
/// </summary>
internal sealed class ToolRegistry
{
    private readonly Dictionary<string, ResolvedTool> _tools = new(StringComparer.Ordinal);
    private readonly List<IToolSource> _first = [];
    private readonly List<IToolSource> _last = [];

    /// <summary>Gets the names of the functions, sorted.</summary>
    public IReadOnlyList<string> Names => [.. _tools.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a tool under the function's own name.</summary>
    /// <param name="tool">
    /// The function. Several calls may run at the same time. It throws <see cref="ToolException"/> to say that the call had no effect, and whether another attempt is of use.
    /// </param>
    /// <param name="options">What it declares of its calls.</param>
    /// <returns>This registry.</returns>
    /// <exception cref="ArgumentException">The name is taken; or its schema can't be checked, so that anything would pass.</exception>
    public ToolRegistry Add(AIFunction tool, ToolOptions? options = null)
    {
        if (!JsonSchema.TryParse(tool.JsonSchema, out var parameters, out var problems, SchemaReading.Lenient))
        {
            throw new ArgumentException($"The schema of tool \"{tool.Name}\" can't be checked. {string.Join(" ", problems.Select(problem => problem.ToString()))}", nameof(tool));
        }

        if (!_tools.TryAdd(tool.Name, new ResolvedTool(tool, parameters) { Options = options ?? ToolOptions.None }))
        {
            throw new ArgumentException($"There are two tools named \"{tool.Name}\". Give one of them another name.", nameof(tool));
        }

        return this;
    }

    /// <summary>Removes a tool, if it is there.</summary>
    /// <param name="name">Its name.</param>
    public void Remove(string name) => _tools.Remove(name);

    /// <summary>Adds a source of tools.</summary>
    /// <param name="source">The source.</param>
    /// <param name="first">Whether it is asked before the functions of the program; otherwise it is asked after them.</param>
    /// <returns>This registry.</returns>
    public ToolRegistry Add(IToolSource source, bool first)
    {
        (first ? _first : _last).Add(source);
        return this;
    }

    /// <summary>Finds a function of the program.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The function, or <see langword="null"/>.</returns>
    public AIFunction? Find(string name) => _tools.GetValueOrDefault(name)?.Function;

    /// <summary>Finds a function of the program, with what its arguments must fit.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The tool, or <see langword="null"/>.</returns>
    public ResolvedTool? Resolve(string name) => _tools.GetValueOrDefault(name);

    /// <summary>Finds a tool.</summary>
    /// <param name="workflow">The workflow that names it.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tool.</returns>
    /// <exception cref="ModelException">There is none of this name, or it can't be had now.</exception>
    public async ValueTask<ResolvedTool> GetAsync(WorkflowDefinition workflow, string name, CancellationToken cancellationToken) =>
        await FindAsync(_first, workflow, name, cancellationToken)
        ?? Resolve(name)
        ?? await FindAsync(_last, workflow, name, cancellationToken)
        ?? throw new ModelException(new CallError(
            ErrorCodes.ToolNotFound,
            $"The tool \"{name}\" is not registered on this host, which has {(_tools.Count == 0 ? "none" : string.Join(", ", Names))}.",
            ErrorKind.Terminal));

    private static async ValueTask<ResolvedTool?> FindAsync(List<IToolSource> sources, WorkflowDefinition workflow, string name, CancellationToken cancellationToken)
    {
        foreach (var source in sources)
        {
            if (await source.FindAsync(workflow, name, cancellationToken) is { } tool)
            {
                return tool;
            }
        }

        return null;
    }
}
