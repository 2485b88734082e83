using Polyphony.Core.Graph;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Checks what the parts of a file say about each other: names, defaults against schemas, counts against lists.</summary>
internal sealed class NameChecker(ParseContext context, WorkflowReader workflow, WorkflowGraph? graph)
{
    public void Check()
    {
        CheckAgents();
        CheckModels();
        CheckTools();
        CheckToolRules();
        foreach (var (path, location, name) in context.NameUses)
        {
            if (!workflow.AgentNames.Contains(name) && !workflow.Nodes.Exists(node => node.Name == name))
            {
                var known = workflow.Nodes.Select(node => node.Name).Concat(workflow.AgentNames);
                context.Error("unknown_name", path, location, $"there is no node and no agent \"{SourceValues.Shorten(name)}\"", NearMatch.Hint(name, known) ?? "Name a node or an agent of this file.");
            }
        }

        foreach (var node in workflow.Nodes)
        {
            node.Definition?.Kind.Check(node.Definition, new NodeCheck(context, node, workflow.Agents, workflow.Tools));
            if (node.Definition is { ForEach: { } list, Require.Count: { } count } && ListLimits.MaxItems(workflow.Input, workflow.Agents, Definitions(), list) is { } most && count > most)
            {
                var path = node.Path + ".require";
                context.Error(
                    "require_unreachable", path, context.Locations.GetValueOrDefault(path, node.Location), $"{count} items of {node.Name} must succeed, but the array has at most {most}",
                    "Lower \"require\", or raise \"maxItems\" in the schema of the array.");
            }
        }

        if (graph is not null)
        {
            CheckFilters(graph);
        }
    }

    private Dictionary<string, NodeDefinition> Definitions() =>
        workflow.Nodes.Where(node => node.Definition is not null).ToDictionary(node => node.Name, node => node.Definition!, StringComparer.Ordinal);

    private void CheckAgents()
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, location, name) in context.AgentUses)
        {
            used.Add(name);
            if (!workflow.AgentNames.Contains(name))
            {
                context.Error("unknown_agent", path, location, $"there is no agent \"{SourceValues.Shorten(name)}\"", NearMatch.Hint(name, workflow.AgentNames) ?? "Add it to \"agents\".");
            }
        }

        foreach (var name in workflow.AgentNames.Where(name => !used.Contains(name)))
        {
            context.Warn("unused_agent", "agents." + name, context.Locations.GetValueOrDefault("agents." + name), $"no node runs the agent \"{name}\"", "Remove it, or use it in a node.");
        }
    }

    // Aliases may come from the host's settings, so an unknown one is not an error.
    private void CheckModels()
    {
        if (workflow.Models.Count == 0)
        {
            return;
        }

        foreach (var agent in workflow.Agents.Values)
        {
            CheckModel(agent.Model, $"agents.{agent.Name}.model");
        }

        foreach (var model in workflow.Models.Values)
        {
            foreach (var name in model.Fallback)
            {
                CheckModel(name, $"models.{model.Name}.fallback");
            }
        }
    }

    private void CheckTools()
    {
        var used = workflow.Agents.Values.SelectMany(agent => agent.Tools)
            .Concat(workflow.Nodes.Select(node => node.Definition is { } definition ? definition.Kind.ToolOf(definition) : null).OfType<string>())
            .ToHashSet(StringComparer.Ordinal);
        foreach (var name in workflow.Tools.Keys.Where(name => !used.Contains(name)))
        {
            context.Warn("unused_tool", "tools." + name, context.Locations.GetValueOrDefault("tools." + name), $"no agent and no node calls the tool \"{name}\"", "Remove it, or name it in the \"tools\" of an agent or in a tool node.");
        }
    }

    /// <summary>Checks what agents say of calls that the run itself makes.</summary>
    private void CheckToolRules()
    {
        foreach (var agent in workflow.Agents.Values)
        {
            foreach (var tool in agent.Tools.Select(tool => workflow.Tools.GetValueOrDefault(tool)).OfType<ToolDefinition>())
            {
                var rules = agent.ToolRules.GetValueOrDefault(tool.Name);
                if (rules?.Idempotent is not null && tool is not HttpToolDefinition)
                {
                    NotApplicable(agent, $"\"idempotent\" has no effect on \"{tool.Name}\", which {(tool is HumanToolDefinition ? "asks a person: a call asks once" : "runs a workflow: a call starts one run")}, whatever happens");
                }

                if (rules?.Approval is not null && tool is HumanToolDefinition)
                {
                    NotApplicable(agent, $"\"approval\" has no effect on \"{tool.Name}\", which asks a person");
                }
            }
        }
    }

    private void NotApplicable(AgentDefinition agent, string message)
    {
        var path = $"agents.{agent.Name}.tools";
        context.Error("not_applicable", path, context.Locations.GetValueOrDefault(path), message, "Remove it.");
    }

    private void CheckModel(string name, string path)
    {
        if (name.Length > 0 && !workflow.Models.ContainsKey(name))
        {
            context.Warn(
                "unknown_model", path, context.Locations.GetValueOrDefault(path), $"the model \"{SourceValues.Shorten(name)}\" is not in this file: the host's settings must define it", NearMatch.Hint(name, workflow.Models.Keys));
        }
    }

    private void CheckFilters(WorkflowGraph graph)
    {
        foreach (var agent in workflow.Agents.Values)
        {
            for (var i = 0; i < (agent.Context?.Count ?? 0); i++)
            {
                var from = agent.Context![i].From;
                var source = from is null ? -1 : workflow.Nodes.FindIndex(node => node.Name == from);
                if (source < 0 || workflow.AgentNames.Contains(from!))
                {
                    continue;
                }

                var path = $"agents.{agent.Name}.context[{i}].from";
                var runs = Enumerable.Range(0, graph.Nodes.Length).Where(node => workflow.Nodes[node].Definition?.Asks(agent.Name) == true).ToArray();
                if (runs.Length > 0 && Array.TrueForAll(runs, node => source != node && !graph.IsUpstream(source, node)))
                {
                    context.Warn("context_not_upstream", path, context.Locations.GetValueOrDefault(path), $"no way leads from \"{from}\" to a node that runs {agent.Name}, so this filter lets nothing through", "Name a node that comes before.");
                }
            }
        }
    }
}
