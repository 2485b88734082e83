using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Definitions;

namespace Polyphony.Cli.Output;

/// <summary>Says what a workflow sends away from this machine: which model sends prompts where, which tool its arguments, and with which key.</summary>
/// <param name="settings">The models of the host.</param>
/// <param name="environment">Reads an environment variable.</param>
internal sealed class Departures(ModelSettings settings, Func<string, string?> environment)
{
    private const string OpenAI = "https://api.openai.com/v1";

    /// <summary>Describes a workflow.</summary>
    /// <param name="definition">The workflow.</param>
    /// <returns>A line for each of its models and tools, each in ordinal order; what stays here is left out.</returns>
    public IReadOnlyList<string> Of(WorkflowDefinition definition)
    {
        var open = new Queue<string>(definition.Agents.Values.Select(agent => agent.Model).Concat(definition.Models.Keys));
        var lines = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        while (open.TryDequeue(out var alias))
        {
            if (lines.ContainsKey(alias))
            {
                continue;
            }

            var model = definition.Models.GetValueOrDefault(alias) ?? settings.Models.GetValueOrDefault(alias);
            lines.Add(alias, model is null ? "is defined by the host that runs it" : Describe(model));
            foreach (var fallback in model?.Fallback ?? [])
            {
                open.Enqueue(fallback);
            }
        }

        return [.. lines.Where(line => line.Value is not null).Select(line => $"{line.Key} {line.Value}"), .. Tools(definition)];
    }

    private IEnumerable<string> Tools(WorkflowDefinition definition)
    {
        var used = definition.Agents.Values.SelectMany(agent => agent.Tools).Concat(definition.Graph.Nodes.Select(node => node.Kind.ToolOf(node)).OfType<string>());
        foreach (var name in used.Concat(definition.Tools.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (definition.Tools.TryGetValue(name, out var tool))
            {
                if (tool is not HttpToolDefinition { Http: var http })
                {
                    continue;
                }

                yield return $"tool {name} sends its arguments to {PlainText.Line(http.Url.Text)} {(http.ApiKeyVariable is { } key ? $"with the key in {key}" : "without a key")}";
            }
            else if (ToolServers.ServerOf(name) is { } server && settings.Tools.Servers.TryGetValue(server, out var found))
            {
                yield return found.Url is { } url
                    ? $"tool {name} sends its arguments to {PlainText.Line(url.GetLeftPart(UriPartial.Path))} {(found.ApiKeyVariable is { } key ? $"with the key in {key}" : "without a key")}"
                    : $"tool {name} gives its arguments to the program {PlainText.Line(found.Command!)}, which may send them anywhere";
            }
        }
    }

    private string? Describe(ModelDefinition model) => model.Provider switch
    {
        OpenAIProvider.ProviderName => $"sends prompts to {Address(model, OpenAIProvider.BaseUrlVariable) ?? OpenAI} {With(model, OpenAIProvider.ApiKeyVariable, "without a key")}",
        AzureOpenAIProvider.ProviderName => $"sends prompts to {Address(model, AzureOpenAIProvider.EndpointVariable) ?? $"the address in {AzureOpenAIProvider.EndpointVariable}, which is not set,"} {With(
            model, AzureOpenAIProvider.ApiKeyVariable, "without a key")}",
        OfflineProvider.ProviderName => null,
        _ => $"sends prompts to where the app's chat client \"{model.Provider}\" sends them",
    };

    private string? Address(ModelDefinition model, string variable) => model.Endpoint is { } own ? PlainText.Line(own.AbsoluteUri)
        : environment(variable) is { Length: > 0 } text && Uri.TryCreate(text, UriKind.Absolute, out var address)
            ? $"{PlainText.Line(address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped))} ({variable})"
            : null;

    private string With(ModelDefinition model, string usual, string without) =>
        model.ApiKeyVariable is { } named ? $"with the key in {named}"
        : model.Endpoint is not null ? without
        : model.Provider == AzureOpenAIProvider.ProviderName && environment(usual) is not { Length: > 0 } ? $"with the host's identity, or the key in {usual}"
        : $"with the host's key ({usual})";
}
