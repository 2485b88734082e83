namespace Polyphony.Core.Runs;

/// <summary>The names of the events that workflow instances wait for.</summary>
internal static class EventNames
{
    /// <summary>What the names of events begin with that instances send each other. Callers can't send them.</summary>
    public const string OwnPrefix = "polyphony-";

    /// <summary>Asks a child to stop with what it has. Its calls under way are cancelled.</summary>
    public const string Stop = "polyphony-stop";

    /// <summary>Asks a child to begin nothing new, and to stop when its calls under way have ended.</summary>
    public const string Finish = "polyphony-finish";

    /// <summary>A message for a mailbox.</summary>
    public const string Message = "polyphony-message";
    /// <summary>Asks a schedule to look, to pause or to resume.</summary>
    public const string Schedule = "polyphony-schedule";

    /// <summary>A request for a lock, or its end: for the keeper.</summary>
    public const string Lock = "polyphony-lock";

    /// <summary>A lock is granted: from the keeper.</summary>
    public const string LockGranted = "polyphony-lock-granted";

    /// <summary>Gets the event that answers a person's question.</summary>
    /// <param name="activation">The activation that asks.</param>
    /// <returns>The name.</returns>
    public static string Answer(string activation) => $"answer:{activation}";
}
