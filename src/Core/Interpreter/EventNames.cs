namespace Polyphony.Core.Interpreter;

/// <summary>The names of the events that workflow instances wait for.</summary>
public static class EventNames
{
    /// <summary>Asks a child to stop with what it has.</summary>
    public const string Stop = "polyphony-stop";

    /// <summary>Gets the event that answers a person's question.</summary>
    /// <param name="activation">The activation that asks.</param>
    /// <returns>The name.</returns>
    public static string Answer(string activation) => $"answer:{activation}";
}
