using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions;

/// <summary>Refuses a cost limit that can't hold: one over models whose price nobody knows. Thread-safe.</summary>
/// <param name="hostModels">The aliases of the host's settings, by name, for those that the workflow leaves to the host.</param>
/// <param name="hasPrice">Whether the price of a model is known.</param>
public sealed class PriceCheck(IReadOnlyDictionary<string, ModelDefinition> hostModels, Func<ModelDefinition, bool> hasPrice)
{
    /// <summary>The code of a refusal.</summary>
    public const string Code = "price_unknown";

    // A workflow can't run itself, which others check; this ends the search all the same.
    private const int MaxDepth = 32;

    /// <summary>Checks a workflow with those that it uses.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="find">Finds a workflow that it uses; <see langword="null"/> if there is none.</param>
    /// <param name="isLimited">Whether a limit from outside holds, whatever the workflow says.</param>
    /// <param name="locations">Where the workflow's parts stand, by path.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>A problem for each limit with a model that has no price; empty if every limit can hold.</returns>
    public IReadOnlyList<WorkflowProblem> Check(
        WorkflowDefinition definition,
        Func<string, WorkflowDefinition?> find,
        bool isLimited = false,
        IReadOnlyDictionary<string, SourceLocation>? locations = null,
        string? file = null)
    {
        var problems = new List<WorkflowProblem>();
        Check(definition, "");
        return problems;

        void Check(WorkflowDefinition workflow, string within)
        {
            if (workflow.Limits.MaxCostUsd is not null || (isLimited && within.Length == 0))
            {
                Add("limits.maxCostUsd", workflow, within);
                return;
            }

            foreach (var use in workflow.SubWorkflows)
            {
                if (find(use.Workflow) is not { } child)
                {
                    continue;
                }

                if (use.Limits?.MaxCostUsd is not null)
                {
                    Add($"{use.Place}.limits.maxCostUsd", child, within);
                }
                else if (within.Split(" -> ").Length <= MaxDepth)
                {
                    Check(child, within.Length == 0 ? child.Name : $"{within} -> {child.Name}");
                }
            }
        }

        void Add(string path, WorkflowDefinition limited, string within)
        {
            var models = new SortedDictionary<string, ModelDefinition>(StringComparer.Ordinal);
            Collect(limited, models, []);
            problems.AddRange(Problems(models, path, within.Length == 0 ? locations?.GetValueOrDefault(path) ?? default : default, within, file));
        }

        void Collect(WorkflowDefinition workflow, SortedDictionary<string, ModelDefinition> models, HashSet<string> seen)
        {
            if (!seen.Add(workflow.Name))
            {
                return;
            }

            foreach (var node in workflow.Graph.Nodes)
            {
                foreach (var agent in node.Kind.AgentsOf(node, workflow.Agents.Keys))
                {
                    AddAgent(workflow, agent, models);
                }

                AddAgent(workflow, node.OnError.Agent, models);
            }

            foreach (var use in workflow.SubWorkflows)
            {
                if (find(use.Workflow) is { } child)
                {
                    Collect(child, models, seen);
                }
            }
        }
    }

    private IEnumerable<WorkflowProblem> Problems(SortedDictionary<string, ModelDefinition> models, string path, SourceLocation location, string within, string? file)
    {
        foreach (var (alias, model) in models.Where(pair => !hasPrice(pair.Value)))
        {
            var priced = model.Model ?? alias;
            yield return new WorkflowProblem(
                Code,
                path,
                location,
                $"\"maxCostUsd\"{(within.Length == 0 ? "" : $" of workflow \"{within}\"")} can't hold: what model \"{alias}\" ({model.Provider}, \"{priced}\") costs is not known",
                $"Add \"{priced}\": {{ \"input\": …, \"output\": … }} to \"prices\" in the host's settings, in US dollars for a million tokens (0 if it costs nothing), or remove maxCostUsd.",
                file);
        }
    }

    private void AddAgent(WorkflowDefinition workflow, string? name, SortedDictionary<string, ModelDefinition> models)
    {
        if (name is null || workflow.Agents.GetValueOrDefault(name) is not { } agent || Find(workflow, agent.Model) is not { } model)
        {
            return;
        }

        models[agent.Model] = model;
        foreach (var alias in model.Fallback)
        {
            if (Find(workflow, alias) is { } fallback)
            {
                models[alias] = fallback;
            }
        }
    }

    // An alias that nobody defines fails when it is called, and costs nothing.
    private ModelDefinition? Find(WorkflowDefinition workflow, string alias) => workflow.Models.GetValueOrDefault(alias) ?? hostModels.GetValueOrDefault(alias);
}
