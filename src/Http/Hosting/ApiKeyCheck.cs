using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Polyphony.Http.Hosting;

/// <summary>Determines whether requests carry an API key. Thread-safe.</summary>
/// <param name="key">The key.</param>
internal sealed class ApiKeyCheck(string key)
{
    /// <summary>The <c>WWW-Authenticate</c> header of a refusal.</summary>
    public const string Challenge = "Bearer";

    /// <summary>The hint for a refused caller.</summary>
    public const string Hint = $"Send the API key of this host in the header {KeyHeader}, or as a bearer token.";

    private const string KeyHeader = "X-API-Key";
    private const string BearerPrefix = "Bearer ";
    private readonly byte[] _hash = Hash(key);

    /// <summary>Looks for the key in the headers <c>X-API-Key</c> and <c>Authorization</c>.</summary>
    /// <param name="request">The request.</param>
    /// <returns><see langword="true"/> if it is present; otherwise, <see langword="false"/>.</returns>
    public bool IsIn(HttpRequest request)
    {
        var sent = request.Headers[KeyHeader] is [{ Length: > 0 } plain] ? plain
            : request.Headers.Authorization is [{ } authorization] && authorization.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase) ? authorization[BearerPrefix.Length..].Trim()
            : null;

        // Hashes have one length, so the time taken tells nothing about the key.
        return sent is not null && CryptographicOperations.FixedTimeEquals(Hash(sent), _hash);
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
