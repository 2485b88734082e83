using System.Text.RegularExpressions;

namespace Polyphony.Core.Definitions;

/// <summary>Knows the models of OpenAI that think before they answer and take one temperature only: https://platform.openai.com/docs/guides/reasoning</summary>
internal static partial class ReasoningModels
{
    /// <summary>The temperature that they take.</summary>
    public const double Temperature = 1;

    private static readonly string[] Hosts = ["api.openai.com", ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];

    /// <summary>Determines whether a model is one of them, by its name and where it is. A gateway of another address may leave the temperature out.</summary>
    /// <param name="model">The model.</param>
    public static bool Fix(ModelDefinition model) =>
        model.Provider is "openai" or "azure-openai"
        && (model.Endpoint is not { } endpoint || Array.Exists(Hosts, host => endpoint.Host.EndsWith(host, StringComparison.OrdinalIgnoreCase)))
        && model.Model is { } name && Names().IsMatch(name);

    // gpt-5.1 and later take one while they do not think, which is their default.
    [GeneratedRegex(@"^(o[134]|gpt-5)(-(?!chat)|\z)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Names();
}
