namespace Polyphony.Http.Hosting;

/// <summary>Who may reach a host that has nothing in front of it.</summary>
public sealed record AccessOptions
{
    /// <summary>Gets the API key that requests must carry (<c>X-API-Key</c>, or <c>Authorization: Bearer</c>), or <see langword="null"/> for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>
    /// Gets a value indicating whether the host listens on loopback alone. Then requests must name it by a loopback name: a page
    /// of another site, whose name was made to point here (DNS rebinding), is refused. Default: it does.
    /// </summary>
    public bool LoopbackOnly { get; init; } = true;
}
