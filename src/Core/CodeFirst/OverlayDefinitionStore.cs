using Polyphony.Core.Definitions;

namespace Polyphony.Core.CodeFirst;

/// <summary>A definition store that also knows definitions that are part of the program, such as the agents of C# workflows.</summary>
/// <param name="inner">The store for all others.</param>
/// <param name="definitions">The program's own definitions.</param>
public sealed class OverlayDefinitionStore(IDefinitionStore inner, params IEnumerable<WorkflowDefinition> definitions) : IDefinitionStore
{
    private readonly Dictionary<string, string> _own = definitions.ToDictionary(definition => definition.Hash, definition => definition.CanonicalJson, StringComparer.Ordinal);

    /// <inheritdoc/>
    public Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default) => inner.SaveAsync(hash, json, cancellationToken);

    /// <inheritdoc/>
    public string? Find(string hash) => _own.TryGetValue(hash, out var json) ? json : inner.Find(hash);
}
