using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Writes the file by which the conversation of a subscription is summarised: one node, called like the subscription. The conversation comes with the run, as it does where a message is handled.</summary>
internal static class SummaryForm
{
    private const string Prompt =
        """
        The messages before this one are a conversation. Summarise it for whoever goes on with it: what was asked, found, decided, refused and left open. Leave nothing out that is needed; the messages will not be seen again.
        """;

    public static SourceMapping Expand(string name, string agent, MapReader map, SourceMapping root)
    {
        var node = new SourceMapping(map.Location, [new SourceEntry("agent", map.Location, Text(agent)), new SourceEntry("prompt", map.Location, Text(Prompt))]);
        return new SourceMapping(
            root.Location,
            [
                .. root.Entries.Where(entry => entry.Key is "name" or "version" or "limits" or "models" or "agents"),
                new SourceEntry("nodes", map.Location, new SourceMapping(map.Location, [new SourceEntry(name, map.Location, node)])),
            ]);

        SourceScalar Text(string text) => new(map.Location, text, text, default);
    }
}
