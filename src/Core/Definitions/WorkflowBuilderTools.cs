using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>The tools that a workflow in C# describes.</summary>
public static class WorkflowBuilderTools
{
    /// <summary>Adds a tool that makes an HTTP request. The host's settings allow its address.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">Its name, without a dot.</param>
    /// <param name="url">The address, a template that reads <c>args</c> in its path; what stands in a query is set by <paramref name="configure"/>.</param>
    /// <param name="description">What it does, for the model.</param>
    /// <param name="parameters">The schema of its arguments; none by default.</param>
    /// <param name="configure">Sets the rest.</param>
    /// <returns>The builder.</returns>
    public static WorkflowBuilder HttpTool(this WorkflowBuilder builder, string name, string url, string? description = null, JsonObject? parameters = null, Action<HttpToolBuilder>? configure = null)
    {
        var http = new JsonObject { ["url"] = url };
        var map = new JsonObject();
        WorkflowBuilder.Put(map, "description", description);
        WorkflowBuilder.Put(map, "parameters", parameters);
        configure?.Invoke(new HttpToolBuilder(map, http));
        map["http"] = http;
        return builder.Tool(name, map);
    }

    /// <summary>Adds a tool that runs another workflow, for agents. The model gives its input.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">Its name, without a dot.</param>
    /// <param name="workflow">The other workflow's name. Its input is an object, or it takes none.</param>
    /// <param name="description">What it does, for the model; by default what the workflow says of itself.</param>
    /// <param name="limits">Limits that replace those of the workflow where they are set.</param>
    /// <returns>The builder.</returns>
    public static WorkflowBuilder WorkflowTool(this WorkflowBuilder builder, string name, string workflow, string? description = null, WorkflowLimits? limits = null)
    {
        var map = new JsonObject();
        WorkflowBuilder.Put(map, "description", description);
        map["workflow"] = workflow;
        WorkflowBuilder.Put(map, "limits", limits is null ? null : WorkflowBuilder.Json(limits));
        return builder.Tool(name, map);
    }

    /// <summary>Adds a tool that asks a person, for agents. The answer goes back to the model.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">Its name, without a dot.</param>
    /// <param name="prompt">The question, a template that reads <c>args</c>.</param>
    /// <param name="description">What it does, for the model.</param>
    /// <param name="parameters">The schema of its arguments; none by default.</param>
    /// <param name="schema">The schema of the answer; without it, any JSON.</param>
    /// <param name="timeout">How long a call waits, in whole milliseconds; <see langword="null"/>: without limit.</param>
    /// <param name="failOnTimeout">Whether the node fails when nobody has answered by then, with the code <c>timeout</c>; otherwise the model reads that nobody has.</param>
    /// <param name="timeoutValue">The answer that stands in then, with templates that read <c>args</c>.</param>
    /// <returns>The builder.</returns>
    public static WorkflowBuilder HumanTool(
        this WorkflowBuilder builder, string name, string prompt, string? description = null, JsonObject? parameters = null, JsonObject? schema = null, TimeSpan? timeout = null, bool failOnTimeout = false, JsonNode? timeoutValue = null)
    {
        var human = new JsonObject { ["prompt"] = prompt };
        WorkflowBuilder.Put(human, "schema", schema);
        WorkflowBuilder.Put(human, "timeout", timeout);
        WorkflowBuilder.Put(human, "onTimeout", timeoutValue is null ? failOnTimeout ? "fail" : null : new JsonObject { ["value"] = timeoutValue });
        var map = new JsonObject();
        WorkflowBuilder.Put(map, "description", description);
        WorkflowBuilder.Put(map, "parameters", parameters);
        map["human"] = human;
        return builder.Tool(name, map);
    }
}
