using System.Net;

namespace Polyphony.Core.Definitions;

/// <summary>An address that workflows may name, and the key that is sent there: an entry of <c>allowedEndpoints</c> in a host's settings.</summary>
/// <remarks>
/// The pattern is an http or https address. Scheme and port must be equal. The host must be equal, or end with what follows <c>*.</c> when the pattern's host begins with
/// that. The path must be equal or lie below; whole segments count, so <c>/v1</c> does not allow <c>/v10</c>.
/// </remarks>
/// <param name="Pattern">The pattern as written, such as <c>https://*.example.com/v1</c>.</param>
/// <param name="ApiKeyVariable">The environment variable whose value is sent as the key; <see langword="null"/> to call the address without a key.</param>
public sealed record AllowedEndpoint(string Pattern, string? ApiKeyVariable)
{
    private const string AnyHost = "*.";

    // Names that no resolver knows stand for the asterisk while an address is taken apart.
    private const string AnyHostPlaceholder = "polyphony-any-host.";

    private static readonly string[] EscapesInPaths = ["%2e", "%2f", "%5c"];

    private static readonly string[] HostVariables =
    [
        "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "APPLICATIONINSIGHTS_CONNECTION_STRING",
    ];

    private static readonly string[] HostPrefixes = ["POLYPHONY_", "AzureWebJobs", "WEBSITE_", "IDENTITY_", "MSI_"];

    private readonly bool _anyHost = Pattern.Contains("://" + AnyHost, StringComparison.Ordinal);
    private readonly Uri _address = Address(Pattern) ?? throw new ArgumentException($"\"{Pattern}\" is not an address pattern.", nameof(Pattern));

    /// <summary>Determines whether a text is a pattern.</summary>
    /// <param name="pattern">The text.</param>
    /// <returns>What is wrong with it, or <see langword="null"/>.</returns>
    public static string? Problem(string pattern)
    {
        if (Address(pattern) is not { } address)
        {
            return "is not an http or https address; an asterisk may stand only for the first part of the host, as in https://*.example.com/v1";
        }

        if (EndpointAddress.Problem(address) is { } problem)
        {
            return problem;
        }

        return pattern.Contains("://" + AnyHost, StringComparison.Ordinal) && !address.IdnHost[AnyHostPlaceholder.Length..].Contains('.', StringComparison.Ordinal)
            ? "allows every host of a top-level domain; at least two names must follow the asterisk"
            : null;
    }

    /// <summary>Determines whether a variable holds a key or an identity of the host itself, which never goes to an address that a workflow names.</summary>
    /// <param name="variable">The variable's name; case does not count, as it does not on Windows.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public static bool IsOfTheHost(string variable) =>
        HostVariables.Contains(variable, StringComparer.OrdinalIgnoreCase) || HostPrefixes.Any(prefix => variable.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>Determines whether this entry lets a key, or none, go to an address.</summary>
    /// <param name="endpoint">The address.</param>
    /// <param name="apiKeyVariable">The variable of the key; <see langword="null"/> for none.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public bool Allows(Uri endpoint, string? apiKeyVariable) =>
        apiKeyVariable == ApiKeyVariable
        && EndpointAddress.Problem(endpoint) is null
        && endpoint.Scheme == _address.Scheme
        && endpoint.Port == _address.Port
        && IsHost(endpoint.IdnHost)
        && IsPath(endpoint.AbsolutePath);

    private bool IsHost(string host)
    {
        if (!_anyHost)
        {
            return host.Equals(_address.IdnHost, StringComparison.OrdinalIgnoreCase);
        }

        var suffix = _address.IdnHost[(AnyHostPlaceholder.Length - 1)..];
        return host.Length > suffix.Length && host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && !IPAddress.TryParse(host, out _);
    }

    private bool IsPath(string path)
    {
        // What a server may read as a separator or as "..", it must not be asked with.
        if (path.Contains("//", StringComparison.Ordinal) || path.Contains('\\', StringComparison.Ordinal)
            || EscapesInPaths.Any(escape => path.Contains(escape, StringComparison.OrdinalIgnoreCase)))
        {
            return false;
        }

        var allowed = _address.AbsolutePath.TrimEnd('/');
        return path.StartsWith(allowed, StringComparison.Ordinal) && (path.Length == allowed.Length || path[allowed.Length] == '/');
    }

    private static Uri? Address(string pattern)
    {
        var start = pattern.IndexOf("://", StringComparison.Ordinal) + "://".Length;
        var text = start > 2 && pattern.AsSpan(start).StartsWith(AnyHost) ? pattern[..start] + AnyHostPlaceholder + pattern[(start + AnyHost.Length)..] : pattern;
        return !text.Contains('*', StringComparison.Ordinal) && Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address : null;
    }
}
