using System.Collections.Immutable;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions;

/// <summary>Who wrote a workflow, as far as its endpoints are concerned.</summary>
public enum DefinitionOrigin
{
    /// <summary>The owner of the host, or somebody whom the owner lets write: a file of the workflows folder, one that the owner runs by hand, or C#.</summary>
    File,

    /// <summary>The caller, as an inline definition.</summary>
    Request,
}

/// <summary>
/// Which addresses the models of a workflow may name, and which key is sent there. The host's own keys and its identity are sent only to the host's own addresses: those of the
/// environment, and of the models that its settings define.
/// </summary>
/// <param name="allowed">The entries of <c>allowedEndpoints</c> in the host's settings.</param>
public sealed class EndpointPolicy(params ImmutableArray<AllowedEndpoint> allowed)
{
    /// <summary>The code of a refusal.</summary>
    public const string Code = "endpoint_not_allowed";

    /// <summary>Gets the policy of a host whose settings allow nothing: endpoints on loopback without a key, from files alone.</summary>
    public static EndpointPolicy Default { get; } = new();

    /// <summary>Gets what the settings allow.</summary>
    public ImmutableArray<AllowedEndpoint> Allowed { get; } = allowed;

    /// <summary>Gets what the settings let the tools of workflows call.</summary>
    internal ImmutableArray<AllowedToolEndpoint> ToolEndpoints { get; init; } = [];

    /// <summary>Checks all models and tools of a workflow.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="origin">Who wrote it.</param>
    /// <param name="locations">Where its parts stand, by path.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>A problem with code <see cref="Code"/> for each model and tool that is refused.</returns>
    public IReadOnlyList<WorkflowProblem> Check(
        WorkflowDefinition definition, DefinitionOrigin origin, IReadOnlyDictionary<string, SourceLocation>? locations = null, string? file = null)
    {
        var problems = new List<WorkflowProblem>();
        foreach (var (alias, model) in definition.Models.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (Refuse(model, origin) is var (message, hint))
            {
                var path = $"models.{alias}.{(model.Endpoint is null ? "apiKeyVariable" : "endpoint")}";
                problems.Add(new WorkflowProblem(Code, path, locations?.GetValueOrDefault(path) ?? default, message, hint, file));
            }
        }

        foreach (var tool in definition.Tools.Values.OfType<HttpToolDefinition>().OrderBy(tool => tool.Name, StringComparer.Ordinal))
        {
            if (RefuseTool(tool, tool.Http.Outline) is var (message, hint))
            {
                var path = $"tools.{tool.Name}.http.url";
                problems.Add(new WorkflowProblem(Code, path, locations?.GetValueOrDefault(path) ?? default, message, hint, file));
            }
        }

        return problems;
    }

    /// <summary>Finds why a tool of a workflow may not call an address.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="address">The address, without its query.</param>
    /// <returns>Why, and what to do about it; <see langword="null"/>: it may be called.</returns>
    internal (string Message, string Hint)? RefuseTool(HttpToolDefinition tool, Uri address)
    {
        var key = tool.Http.ApiKeyVariable;
        if ((key is null || !AllowedEndpoint.IsOfTheHost(key)) && ToolEndpoints.Any(entry => entry.Allows(address, key)))
        {
            return null;
        }

        var shown = EndpointAddress.Show(address);
        return ($"the tool \"{tool.Name}\" {(key is null ? "calls" : $"sends the variable {key} to")} {shown}, which the host's settings do not allow",
            key is not null && AllowedEndpoint.IsOfTheHost(key)
                ? $"{key} belongs to the host and goes to no address that a workflow names: give the tool a key of its own in another variable."
                : $"If you trust it, add {Entry(EndpointAddress.Show(new Uri(address, ".")), key)} to \"allowedEndpoints\" of \"tools\" in the host's settings.");
    }

    /// <summary>Tells whether a tool may reach an address of this machine or of a private network.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="address">The address, without its query.</param>
    internal bool MayReachPrivateNetwork(HttpToolDefinition tool, Uri address) =>
        ToolEndpoints.Any(entry => entry.PrivateNetwork && entry.Allows(address, tool.Http.ApiKeyVariable));

    /// <summary>Finds why a model of a workflow may not be called.</summary>
    /// <param name="model">The model.</param>
    /// <param name="origin">Who wrote the workflow.</param>
    /// <returns>Why, and what to do about it; <see langword="null"/>: it may be called.</returns>
    public (string Message, string Hint)? Refuse(ModelDefinition model, DefinitionOrigin origin)
    {
        if (model.Provider == "offline" || (model.Endpoint is null && (model.ApiKeyVariable is null || model.ApiKeyVariable == UsualVariable(model.Provider))))
        {
            return null;
        }

        if (model.Endpoint is not { } endpoint)
        {
            return (
                $"the model \"{model.Name}\" sends the variable {model.ApiKeyVariable} to the host's own endpoint of {model.Provider}",
                $"Leave \"apiKeyVariable\" out to use the host's key, name the endpoint as well, or define \"{model.Name}\" in the \"models\" of the host's settings.");
        }

        if (Allowed.Any(entry => entry.Allows(endpoint, model.ApiKeyVariable))
            || (origin == DefinitionOrigin.File && model.ApiKeyVariable is null && EndpointAddress.IsLoopback(endpoint) && EndpointAddress.Problem(endpoint) is null))
        {
            return null;
        }

        var shown = EndpointAddress.Show(endpoint);
        var message = $"the model \"{model.Name}\" sends prompts {(model.ApiKeyVariable is { } variable ? $"and the variable {variable} " : "")}to {shown}, which the host's settings do not allow";
        return (message, model.ApiKeyVariable is { } key && AllowedEndpoint.IsOfTheHost(key)
            ? $"{key} belongs to the host and is never sent to an address that a workflow names: define \"{model.Name}\" in the \"models\" of the host's settings instead."
            : $"If you trust it, add {Entry(shown, model.ApiKeyVariable)} to \"allowedEndpoints\" in the host's settings.");
    }

    private static string Entry(string endpoint, string? variable) =>
        variable is null ? $"{{ \"endpoint\": \"{endpoint}\" }}" : $"{{ \"endpoint\": \"{endpoint}\", \"apiKeyVariable\": \"{variable}\" }}";

    private static string? UsualVariable(string provider) => provider switch
    {
        "openai" => "OPENAI_API_KEY",
        "azure-openai" => "AZURE_OPENAI_API_KEY",
        _ => null,
    };
}

/// <summary>A workflow names an endpoint or a key that the host's settings do not allow.</summary>
/// <param name="problems">What is refused.</param>
public sealed class EndpointNotAllowedException(IReadOnlyList<WorkflowProblem> problems)
    : PolyphonyException(EndpointPolicy.Code, string.Join(Environment.NewLine, problems))
{
    /// <summary>Gets what is refused.</summary>
    public IReadOnlyList<WorkflowProblem> Problems { get; } = problems;
}
