namespace Polyphony.Expressions.Schemas;

/// <summary>Where a value or a schema is wrong.</summary>
/// <param name="Pointer">A JSON pointer (RFC 6901); empty for the whole.</param>
/// <param name="Message">What was expected and what was found.</param>
/// <param name="Code">What kind of violation it is: one of <see cref="SchemaCodes"/>.</param>
public sealed record SchemaViolation(string Pointer, string Message, string Code = SchemaCodes.Mismatch)
{
    /// <inheritdoc/>
    public override string ToString() => Pointer.Length == 0 ? Message : $"{Pointer}: {Message}";
}
