namespace Polyphony.Http.Hosting;

/// <summary>Who may call a host without a gateway in front of it.</summary>
internal sealed record AccessOptions
{
    /// <summary>The minimum length of an API key, in characters.</summary>
    public const int MinKeyLength = 16;

    /// <summary>Gets the API key that requests must carry (<c>X-API-Key</c>, or <c>Authorization: Bearer</c>), or <see langword="null"/> for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>
    /// Gets a value indicating whether the host listens only on loopback. Then requests must use a loopback host name: a page
    /// of another site, whose name points here (DNS rebinding), is refused. Default: true.
    /// </summary>
    public bool LoopbackOnly { get; init; } = true;

    /// <summary>Checks a key.</summary>
    /// <param name="key">The key; <see langword="null"/> for none.</param>
    /// <exception cref="PolyphonyException"><c>api_key_invalid</c>: it is too short, or not valid in a header. The key itself is not repeated.</exception>
    public static void CheckKey(string? key)
    {
        if (FindKeyProblem(key) is { } problem)
        {
            throw new PolyphonyException("api_key_invalid", $"POLYPHONY_API_KEY {problem}");
        }
    }

    /// <summary>Finds what is wrong with a key.</summary>
    /// <param name="key">The key; <see langword="null"/> for none.</param>
    /// <returns>The problem, a sentence without its subject, and what to do; <see langword="null"/> if there is none. The key itself is not repeated.</returns>
    public static string? FindKeyProblem(string? key) => key is not null && (key.Length < MinKeyLength || key.Any(character => character is <= ' ' or > '~'))
        ? $"must have at least {MinKeyLength} visible ASCII characters without spaces; found {key.Length}{(key.Length < MinKeyLength ? "" : ", others among them")}. Make one with: openssl rand -hex 24"
        : null;
}
