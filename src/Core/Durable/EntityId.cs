namespace Polyphony.Core.Durable;

/// <summary>Names an entity. Its instance id is <c>@name@key</c>, as in Durable Task.</summary>
/// <param name="Name">The registered name; lower case letters, digits and <c>-</c>.</param>
/// <param name="Key">The key; any string of up to 100 characters.</param>
public readonly record struct EntityId(string Name, string Key)
{
    /// <inheritdoc/>
    public override string ToString() => $"@{Name}@{Key}";
}
