using Polyphony.Core.Runs;

namespace Polyphony.Activities.Agents;

/// <summary>The call that a chat client is asked for, where it needs to know more of it than the messages.</summary>
internal static class CurrentCall
{
    private static readonly AsyncLocal<AgentCall?> Local = new();

    /// <summary>Gets or sets the call of this activity.</summary>
    public static AgentCall? Value
    {
        get => Local.Value;
        set => Local.Value = value;
    }
}
