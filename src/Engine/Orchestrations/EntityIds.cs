using Polyphony.Core.Durable;

namespace Polyphony.Engine.Orchestrations;

/// <summary>Entity ids as texts.</summary>
internal static class EntityIds
{
    private const int MaxKeyLength = 100;

    internal static void Check(EntityId id)
    {
        var nameIsValid = id.Name is { Length: > 0 } && id.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
        if (!nameIsValid || id.Key is null || id.Key.Length > MaxKeyLength)
        {
            throw new PolyphonyException(
                "invalid_entity_id",
                $"An entity's name has lower-case letters, digits and \"-\", its key up to {MaxKeyLength} characters; found: \"{id}\".");
        }
    }

    internal static EntityId Parse(string id)
    {
        var second = id.IndexOf('@', 1);
        return new EntityId(id[1..second], id[(second + 1)..]);
    }
}
