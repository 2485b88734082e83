namespace Polyphony.Core.Definitions;

/// <summary>An address that the settings of a host let the tools of workflows call: an entry of <c>tools.allowedEndpoints</c>, with a pattern as in <see cref="AllowedEndpoint"/>.</summary>
/// <param name="Pattern">The pattern as written, such as <c>https://api.example.com/v1</c>.</param>
/// <param name="ApiKeyVariable">The environment variable whose value goes there; <see langword="null"/>: the address is called without a key.</param>
/// <param name="PrivateNetwork">Whether the host's name may stand for an address of this machine or of a private network.</param>
internal sealed record AllowedToolEndpoint(string Pattern, string? ApiKeyVariable, bool PrivateNetwork = false)
{
    private readonly AllowedEndpoint _endpoint = new(Pattern, ApiKeyVariable);

    /// <summary>Tells whether this entry lets a tool call an address, with a key or without one.</summary>
    /// <param name="address">The address without its query.</param>
    /// <param name="apiKeyVariable">The variable of the key; <see langword="null"/> for none.</param>
    public bool Allows(Uri address, string? apiKeyVariable) => _endpoint.Allows(address, apiKeyVariable);
}
