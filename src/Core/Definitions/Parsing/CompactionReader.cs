namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>compact</c>, of a team or of a subscription.</summary>
internal static class CompactionReader
{
    /// <summary>Reads it.</summary>
    /// <param name="map">What has it.</param>
    /// <returns>What was read, and where; <see langword="null"/> if there is none.</returns>
    public static (ConversationCompaction? Compaction, MapReader Map)? Read(MapReader map)
    {
        if (map.Map("compact") is not { } compact)
        {
            return null;
        }

        var agent = compact.Text("agent");
        if (!compact.Has("agent"))
        {
            compact.Missing("agent", "the agent that summarises", "Such as agent: scribe");
        }
        else if (agent is not null)
        {
            map.Context.AgentUses.Add((compact.PathOf("agent"), compact.Value("agent")!.Location, agent));
        }

        var above = compact.Int("above", 1_000, 10_000_000);
        var keep = compact.Int("keep", 1, 100);
        compact.Finish();
        return (agent is null ? null : new ConversationCompaction(agent, above ?? ConversationCompaction.DefaultAbove, keep ?? ConversationCompaction.DefaultKeep), compact);
    }
}
