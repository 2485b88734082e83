using System.Text.Json;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>Checks the tools that workflows name against those of a host, before anything runs.</summary>
/// <param name="functions">The functions of the host.</param>
/// <param name="servers">Its tool servers.</param>
/// <param name="connect">Whether the servers are asked; otherwise their tools are taken on trust, with a note.</param>
internal sealed class ToolUseCheck(ToolRegistry functions, ToolServers servers, bool connect)
{
    private readonly Dictionary<string, ToolList> _lists = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CallError> _failures = new(StringComparer.Ordinal);

    /// <summary>Checks a workflow.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="locations">Where its parts stand, by path.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="cancellationToken">Ends the wait for servers.</param>
    /// <returns>The problems, and what is probably not meant or was not checked.</returns>
    public async Task<(IReadOnlyList<WorkflowProblem> Problems, IReadOnlyList<WorkflowProblem> Warnings)> CheckAsync(
        WorkflowDefinition workflow, IReadOnlyDictionary<string, SourceLocation>? locations, string? file, CancellationToken cancellationToken)
    {
        var found = new Found(locations, file);
        foreach (var use in Uses(workflow).Where(use => !workflow.Tools.ContainsKey(use.Tool)))
        {
            if (functions.Resolve(use.Tool) is { } function)
            {
                CheckArguments(function.Parameters, use, found);
            }
            else if (ToolServers.ServerOf(use.Tool) is { } server)
            {
                await CheckServerAsync(server, use, found, cancellationToken);
            }
            else
            {
                found.Warn(
                    "unknown_tool", use.Paths, $"the tool \"{use.Tool}\" is neither of this file nor of this host",
                    NearMatch.Hint(use.Tool, functions.Names.Concat(workflow.Tools.Keys)) ?? $"It runs in apps alone that have a tool of this name: AddTool(…). The host has {string.Join(", ", functions.Names)}.");
            }
        }

        return (found.Problems, found.Warnings);
    }

    private static IEnumerable<ToolUse> Uses(WorkflowDefinition workflow)
    {
        foreach (var agent in workflow.Agents.Values.OrderBy(agent => agent.Name, StringComparer.Ordinal))
        {
            foreach (var tool in agent.Tools)
            {
                yield return new ToolUse(tool, [$"agents.{agent.Name}.tools"], null);
            }
        }

        using var canonical = JsonDocument.Parse(workflow.CanonicalJson, JsonLimits.Document);
        foreach (var node in workflow.Graph.Nodes)
        {
            if (node.Kind.ToolOf(node) is { } tool)
            {
                var path = $"nodes.{node.Name}";
                yield return new ToolUse(
                    tool, [$"{path}.tool", path], canonical.RootElement.GetProperty("nodes").GetProperty(node.Name).TryGetProperty("arguments", out var arguments) ? arguments.Clone() : null);
            }
        }
    }

    private async Task CheckServerAsync(string server, ToolUse use, Found found, CancellationToken cancellationToken)
    {
        if (!servers.Names.Contains(server, StringComparer.Ordinal))
        {
            found.Error(
                "unknown_tool_server", use.Paths, $"the tool \"{use.Tool}\" is one of the tool server \"{server}\", which this host's settings do not name",
                NearMatch.Hint(server, servers.Names) ?? $"Add it to \"servers\" of \"tools\" in the host's settings, which name {(servers.Names.Count == 0 ? "none" : string.Join(", ", servers.Names))}.");
            return;
        }

        if (!connect)
        {
            found.Warn("tool_not_checked", use.Paths, $"the tool \"{use.Tool}\" was not checked", "With --connect its server is asked.");
            return;
        }

        if (await ListAsync(server, cancellationToken) is not { } list)
        {
            var failure = _failures[server];
            found.Error(failure.Code, use.Paths, $"the tool \"{use.Tool}\" cannot be checked: {ParseContext.Inner(failure.Message)}", null);
            return;
        }

        var name = use.Tool[(server.Length + 1)..];
        if (list.Tools.TryGetValue(name, out var tool))
        {
            CheckArguments(tool.Parameters, use, found);
        }
        else if (list.Unusable.TryGetValue(name, out var why))
        {
            found.Error("unknown_tool", use.Paths, $"the tool \"{use.Tool}\" can't be used: {why}", null);
        }
        else
        {
            found.Error(
                "unknown_tool", use.Paths, $"the tool server \"{server}\" has no tool \"{name}\"",
                NearMatch.Hint(name, list.Tools.Keys) ?? $"It has {(list.Tools.Count == 0 ? "none" : ErrorText.Shorten(string.Join(", ", list.Tools.Keys), 500))}.");
        }
    }

    private async Task<ToolList?> ListAsync(string server, CancellationToken cancellationToken)
    {
        if (!_lists.ContainsKey(server) && !_failures.ContainsKey(server))
        {
            try
            {
                _lists[server] = await servers.ListAsync(server, cancellationToken);
            }
            catch (ModelException exception)
            {
                _failures[server] = exception.Error;
            }
        }

        return _lists.GetValueOrDefault(server);
    }

    private static void CheckArguments(JsonSchema parameters, ToolUse use, Found found)
    {
        if (use.Arguments is not { } arguments)
        {
            return;
        }

        foreach (var violation in FixedArguments.Check(parameters, arguments))
        {
            found.Error(
                "invalid_arguments", use.Paths, $"the arguments do not fit the tool \"{use.Tool}\": {(violation.Pointer.Length == 0 ? "" : violation.Pointer + ": ")}{ParseContext.Inner(violation.Message)}", "Change the arguments.");
        }
    }

    /// <summary>A place where a tool is named.</summary>
    /// <param name="Tool">The tool.</param>
    /// <param name="Paths">The place, and where it lies, for what the file writes in another way.</param>
    /// <param name="Arguments">The arguments, of a tool node.</param>
    private sealed record ToolUse(string Tool, string[] Paths, JsonElement? Arguments);

    /// <summary>What was found.</summary>
    private sealed class Found(IReadOnlyDictionary<string, SourceLocation>? locations, string? file)
    {
        public List<WorkflowProblem> Problems { get; } = [];

        public List<WorkflowProblem> Warnings { get; } = [];

        public void Error(string code, string[] paths, string message, string? hint) => Problems.Add(Make(code, paths, message, hint));

        public void Warn(string code, string[] paths, string message, string? hint) => Warnings.Add(Make(code, paths, message, hint));

        private WorkflowProblem Make(string code, string[] paths, string message, string? hint)
        {
            var path = Array.Find(paths, each => locations?.ContainsKey(each) == true) ?? paths[0];
            return new WorkflowProblem(code, path, locations?.GetValueOrDefault(path) ?? default, message, hint, file);
        }
    }
}
