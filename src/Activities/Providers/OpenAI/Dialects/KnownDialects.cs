using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers.OpenAI.Dialects;

/// <summary>The one place that knows how servers differ in what they take; docs/models.md shows it as a table.</summary>
internal static class KnownDialects
{
    private static readonly ServerDialect OpenAI = new(ModelDialect.JsonSchema, true, ModelDialect.MaxCompletionTokens, ModelDialect.Alternate, SystemRole: true, Names: true);

    // max_tokens is the name that nearly every server takes; some ignore the other one, and the limit with it.
    private static readonly ServerDialect Other = new(ModelDialect.JsonSchema, true, ModelDialect.MaxTokens, ModelDialect.Alternate, SystemRole: true, Names: false);

    private static readonly ServerDialect Local = Other with { StrictSchemas = false };

    private static readonly Dictionary<string, ServerDialect> Table = new(StringComparer.Ordinal)
    {
        ["openai"] = OpenAI,
        ["azure-openai"] = OpenAI,
        ["gemini"] = Local,
        ["deepseek"] = Local with { StructuredOutput = ModelDialect.JsonObject, Names = true, Attachments = false },
        ["mistral"] = Other,
        ["vllm"] = Local,
        ["llama.cpp"] = Local,
        ["ollama"] = Local,
        ["lm-studio"] = Local,
        ["litellm"] = Other,
        ["openrouter"] = Other,
        ["api-management"] = OpenAI,
        ["other"] = Other,
    };

    private static readonly (string Host, string Name)[] Hosts =
    [
        ("api.openai.com", "openai"),
        (".openai.azure.com", "azure-openai"),
        (".cognitiveservices.azure.com", "azure-openai"),
        (".services.ai.azure.com", "azure-openai"),
        (".azure-api.net", "api-management"),
        ("generativelanguage.googleapis.com", "gemini"),
        ("aiplatform.googleapis.com", "gemini"),
        ("api.deepseek.com", "deepseek"),
        ("api.mistral.ai", "mistral"),
        ("openrouter.ai", "openrouter"),
    ];

    // Where these servers listen unless they are told otherwise.
    private static readonly Dictionary<int, string> Ports = new() { [11434] = "ollama", [1234] = "lm-studio", [8000] = "vllm", [8080] = "llama.cpp", [4000] = "litellm" };

    /// <summary>Gets how to speak to a model's server.</summary>
    /// <param name="model">The model; its <c>dialect</c> comes first, in whole or in part.</param>
    /// <param name="endpoint">The address that is called.</param>
    /// <returns>The dialect to begin with.</returns>
    public static ServerDialect Of(ModelDefinition model, Uri endpoint)
    {
        var said = model.Dialect ?? new ModelDialect();
        var known = Table[said.Name ?? NameOf(model.Provider, endpoint)];
        return new ServerDialect(
            said.StructuredOutput ?? known.StructuredOutput,
            said.StrictSchemas ?? known.StrictSchemas,
            said.TokenLimit ?? (model.ApiVersion is { } version && said.Name is null ? AzureDeployments.TokenLimit(version) : known.TokenLimit),
            said.Roles ?? known.Roles,
            said.SystemRole ?? known.SystemRole,
            said.Names ?? known.Names,
            said.Attachments ?? known.Attachments);
    }

    /// <summary>Gets the name of the dialect that an address suggests.</summary>
    /// <param name="provider">The provider of the model.</param>
    /// <param name="endpoint">The address.</param>
    public static string NameOf(string provider, Uri endpoint)
    {
        foreach (var (host, name) in Hosts)
        {
            if (endpoint.Host.EndsWith(host, StringComparison.OrdinalIgnoreCase)
                && (host[0] == '.' || endpoint.Host.Length == host.Length || endpoint.Host[^(host.Length + 1)] is '.' or '-'))
            {
                return name;
            }
        }

        return provider == AzureOpenAIProvider.ProviderName ? "azure-openai"
            : !endpoint.IsDefaultPort && Ports.TryGetValue(endpoint.Port, out var local) ? local
            : "other";
    }
}
