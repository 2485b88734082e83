namespace Polyphony.Expressions.Schemas;

/// <summary>How a schema is read.</summary>
public enum SchemaReading
{
    /// <summary>As its author writes it here: what is unknown, contradictory or without effect is a mistake.</summary>
    Strict,

    /// <summary>
    /// As other programs write it, such as for a tool: draft 2020-12 or 7, unknown keywords are notes. Keywords that demand something and aren't supported are
    /// refused all the same.
    /// </summary>
    Lenient,
}
