using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>The tools of a host, by name. Filled at start, read-only afterwards.</summary>
internal sealed class ToolRegistry
{
    private readonly Dictionary<string, (AIFunction Function, JsonSchema Parameters)> _tools = new(StringComparer.Ordinal);

    /// <summary>Gets the names of the tools, sorted.</summary>
    public IReadOnlyList<string> Names => [.. _tools.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a tool under the function's own name.</summary>
    /// <param name="tool">
    /// The function. It may run more than once for one call (at least once), and several calls may run at the same time. It
    /// throws <see cref="ToolException"/> to say that another attempt would not help.
    /// </param>
    /// <returns>This registry.</returns>
    /// <exception cref="ArgumentException">The name is taken; or its schema can't be checked, so that anything would pass.</exception>
    public ToolRegistry Add(AIFunction tool)
    {
        if (!JsonSchema.TryParse(tool.JsonSchema, out var parameters, out var problems, SchemaReading.Lenient))
        {
            throw new ArgumentException($"The schema of tool \"{tool.Name}\" can't be checked. {string.Join(" ", problems.Select(problem => problem.ToString()))}", nameof(tool));
        }

        if (!_tools.TryAdd(tool.Name, (tool, parameters)))
        {
            throw new ArgumentException($"There are two tools named \"{tool.Name}\". Give one of them another name.", nameof(tool));
        }

        return this;
    }

    /// <summary>Finds a tool.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The tool, or <see langword="null"/>.</returns>
    public AIFunction? Find(string name) => _tools.GetValueOrDefault(name).Function;

    /// <summary>Gets what the arguments of a registered tool must fit.</summary>
    internal JsonSchema ParametersOf(string name) => _tools[name].Parameters;

    internal AIFunction Get(string name) => Find(name) ?? throw new ModelException(NotFound(name));

    internal CallError NotFound(string name) => new(
        ErrorCodes.ToolNotFound,
        $"The tool \"{name}\" is not registered on this host, which has {(_tools.Count == 0 ? "none" : string.Join(", ", Names))}.",
        ErrorKind.Terminal);
}
