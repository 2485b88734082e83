namespace Polyphony.Core.Payloads;

/// <summary>Names a value in the payload store by its content.</summary>
/// <param name="Hash">Lower-case hex SHA-256 of the UTF-8 JSON.</param>
/// <param name="Bytes">Its size in bytes.</param>
/// <param name="Type">What it is: <c>object</c>, <c>array</c>, <c>string</c>, <c>number</c>, <c>boolean</c> or <c>null</c>.</param>
/// <param name="Count">For an array its number of items; otherwise <see langword="null"/>.</param>
public sealed record PayloadReference(string Hash, long Bytes, string Type, int? Count = null);
