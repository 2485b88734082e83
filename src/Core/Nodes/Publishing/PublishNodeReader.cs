using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Nodes.Publishing;

/// <summary>Reads <c>publish</c> and what stands next to it.</summary>
internal static class PublishNodeReader
{
    public static PublishNode? Read(string name, MapReader map)
    {
        var topic = map.Text("publish");
        var isNamed = topic is not null && map.CheckName(map.PathOf("publish"), map.Value("publish")!.Location, topic, "topic", NameRule.Workflow);
        var entries = new List<SourceEntry>();
        Add("source");
        Add("data");
        Add("messageId");
        if (map.Value("source") is { } given and not SourceScalar { Value: string or long })
        {
            map.WrongType("source", given, "a string", "Such as source: \"{{ input.ticket }}\".");
            return null;
        }

        if (!map.Has("source"))
        {
            // What handles a message publishes to the same source unless it says otherwise.
            if (map.Context.HandlesMessages)
            {
                entries.Insert(0, new SourceEntry("source", map.Location, new SourceScalar(map.Location, "{{ message.source }}", "{{ message.source }}", default)));
            }
            else
            {
                map.Missing("source", "which topic of the type", "Such as source: \"{{ input.ticket }}\"");
            }
        }

        if (!map.Has("data"))
        {
            map.Missing("data", "what is published", "Such as data: \"{{ nodes.triage.output }}\"");
        }

        var message = map.Json(new SourceMapping(map.Location, entries), ExpressionPlace.Node, name);
        return isNamed && message is not null ? new PublishNode { Name = name, Topic = topic!, Message = message } : null;

        void Add(string key)
        {
            if (map.Value(key) is { } value)
            {
                entries.Add(new SourceEntry(key, map.KeyLocation(key), value));
            }
        }
    }
}
