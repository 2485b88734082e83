namespace Polyphony.Http.Hosting;

/// <summary>Who may reach a host that has nothing in front of it.</summary>
internal sealed record AccessOptions
{
    /// <summary>The fewest characters of an API key: what nobody guesses in a lifetime of requests, if it is random.</summary>
    public const int MinKeyLength = 16;

    /// <summary>Gets the API key that requests must carry (<c>X-API-Key</c>, or <c>Authorization: Bearer</c>), or <see langword="null"/> for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>
    /// Gets a value indicating whether the host listens on loopback alone. Then requests must name it by a loopback name: a page
    /// of another site, whose name was made to point here (DNS rebinding), is refused. Default: it does.
    /// </summary>
    public bool LoopbackOnly { get; init; } = true;

    /// <summary>Checks a key.</summary>
    /// <param name="key">The key; <see langword="null"/> for none.</param>
    /// <exception cref="PolyphonyException"><c>api_key_invalid</c>: it is too short, or a header can't carry it. The key itself is not repeated.</exception>
    public static void CheckKey(string? key)
    {
        if (FindKeyProblem(key) is { } problem)
        {
            throw new PolyphonyException("api_key_invalid", $"POLYPHONY_API_KEY {problem}");
        }
    }

    /// <summary>Finds what is wrong with a key.</summary>
    /// <param name="key">The key; <see langword="null"/> for none.</param>
    /// <returns>What, without its subject, and what to do; <see langword="null"/>: nothing. The key itself is not repeated.</returns>
    public static string? FindKeyProblem(string? key) => key is not null && (key.Length < MinKeyLength || key.Any(character => character is <= ' ' or > '~'))
        ? $"must have at least {MinKeyLength} visible ASCII characters without spaces; found {key.Length}{(key.Length < MinKeyLength ? "" : ", others among them")}. Make one with: openssl rand -hex 24"
        : null;
}
