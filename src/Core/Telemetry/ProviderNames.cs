namespace Polyphony.Core.Telemetry;

/// <summary>The names of providers in telemetry.</summary>
internal static class ProviderNames
{
    /// <summary>Gets the well-known name of a provider; its own, if the semantic conventions know none.</summary>
    /// <param name="provider">The name in workflow files.</param>
    public static string Of(string provider) => provider == "azure-openai" ? "azure.ai.openai" : provider;
}
