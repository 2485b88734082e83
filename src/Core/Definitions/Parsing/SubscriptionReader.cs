using System.Text.Json;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>A subscription as read. Its handler is made once the rest of the file is known.</summary>
/// <param name="Definition">What was read; the handler of a short form is still missing.</param>
/// <param name="Short">The file that the short form stands for; <see langword="null"/> if the file's own graph handles the messages.</param>
/// <param name="Summary">The file by which the conversation is summarised; <see langword="null"/> if it never is.</param>
/// <param name="Written">The keys of the short form, as written, for the canonical form.</param>
internal sealed record SubscriptionDraft(SubscriptionDefinition Definition, SourceMapping? Short, SourceMapping? Summary, IReadOnlyList<(string Key, JsonElement Value)> Written);

/// <summary>Reads <c>subscriptions</c>. The short form, with an agent or another workflow, stands for a file of its own with one node and what it publishes.</summary>
internal static class SubscriptionReader
{
    private const int MostSubscriptions = 100;
    private const int MostPublished = 20;
    private const string Example = "Such as subscriptions: { triage: { topic: tickets, agent: triage } }.";

    // What only the short form has: it stands in the nodes of the other.
    private static readonly string[] ShortKeys = ["prompt", "attach", "input", "schema", "publish", "state", "write"];

    /// <summary>Tells whether the subscriptions need no graph: there are some, and each names an agent or a workflow.</summary>
    public static bool AreShort(MapReader file) =>
        file.Value("subscriptions") is SourceMapping { Entries.Count: > 0 } map && map.Entries.All(entry => entry.Value is SourceMapping each && IsShort(each));

    public static List<SubscriptionDraft> Read(MapReader file, SourceMapping root)
    {
        var drafts = new List<SubscriptionDraft>();
        if (file.Value("subscriptions") is SourceMapping { Entries.Count: 0 })
        {
            file.Invalid("subscriptions", "\"subscriptions\" is empty", Example);
        }

        foreach (var entry in file.Named("subscriptions", Example))
        {
            if (drafts.Count == MostSubscriptions)
            {
                file.Invalid("subscriptions", $"the workflow has more than {MostSubscriptions} subscriptions", "Divide it into several files.");
                break;
            }

            var path = file.PathOf("subscriptions") + "." + entry.Key;
            if (entry.Value is not SourceMapping mapping)
            {
                file.WrongTypeAt(path, entry.Value, $"the subscription \"{SourceValues.Shorten(entry.Key)}\"", "an object", Example);
                continue;
            }

            if (file.CheckName(path, entry.KeyLocation, entry.Key, "subscription", NameRule.Node)
                && Read(entry.Key, new MapReader(file.Context, mapping, path, entry.KeyLocation), mapping, root, file.Has("nodes")) is { } draft)
            {
                drafts.Add(draft);
            }
        }

        return drafts;
    }

    private static bool IsShort(SourceMapping subscription) => subscription.Entries.Any(entry => entry.Key is "agent" or "workflow");

    private static SubscriptionDraft? Read(string name, MapReader map, SourceMapping mapping, SourceMapping root, bool hasNodes)
    {
        var topic = Topic(map);
        var subscription = new
        {
            Prefix = map.Text("sourcePrefix"),
            Agent = map.Text("agent"),
            Workflow = map.Text("workflow"),
            Retry = LimitsReader.Retry(map),
            Idle = map.Duration("idle", TimeSpan.FromSeconds(1)),
            Concurrency = map.Int("maxConcurrency", 1, SubscriptionDefinition.MostConcurrent),
            Messages = map.Int("maxMessages", 0, 1_000),
            Compaction = CompactionReader.Read(map),
        };
        if (subscription.Agent is { } agent)
        {
            map.Context.AgentUses.Add((map.PathOf("agent"), map.Value("agent")!.Location, agent));
        }

        if (subscription.Messages % 2 == 1)
        {
            map.Invalid("maxMessages", "\"maxMessages\" must be even: a question and its answer are kept together");
        }

        if (subscription.Compaction is var (compaction, compact))
        {
            CheckCompaction(map, compact, compaction, subscription.Messages ?? SubscriptionDefinition.DefaultMaxMessages, root);
        }

        CheckForm(map, mapping);
        map.Finish();
        var written = IsShort(mapping) && map.Has("agent") != map.Has("workflow") ? new ShortForm(name, map, mapping, root).Expand() : null;
        return written is null && !hasNodes ? null : new SubscriptionDraft(
            new SubscriptionDefinition
            {
                Name = name,
                Topic = topic ?? "",
                SourcePrefix = subscription.Prefix,
                Agent = subscription.Agent,
                Retry = subscription.Retry,
                MaxMessages = subscription.Messages ?? SubscriptionDefinition.DefaultMaxMessages,
                Compact = subscription.Compaction?.Compaction,
                Idle = subscription.Idle,
                MaxConcurrency = subscription.Concurrency,
            },
            written,
            subscription.Compaction?.Compaction is { } summarized ? SummaryForm.Expand(name, summarized.Agent, map, root) : null,
            written is null ? [] : [.. Written(map)]);
    }

    private static void CheckCompaction(MapReader map, MapReader compact, ConversationCompaction? compaction, int maxMessages, SourceMapping root)
    {
        if (map.Has("workflow"))
        {
            map.NotApplicable("compact", "\"compact\" is for a conversation with an agent", "A workflow gets the message alone.");
        }

        if (compaction is null)
        {
            return;
        }

        if (compaction.Keep % 2 == 1)
        {
            compact.Invalid("keep", "\"keep\" must be even: a question and its answer are kept together");
        }
        else if (compaction.Keep + 2 >= maxMessages)
        {
            map.Invalid("compact", $"a summary and the last {compaction.Keep} messages leave no room: \"maxMessages\" is {maxMessages}", "Keep fewer messages than that, or raise maxMessages.");
        }

        if (compaction.Agent == map.Text("agent"))
        {
            compact.Invalid("agent", $"\"{compaction.Agent}\" summarises and answers as well", "Use a separate agent for it.");
        }

        if (root.Find("agents") is SourceMapping agents && agents.Find(compaction.Agent) is SourceMapping agent && agent.Find("context") is not null)
        {
            compact.Invalid("agent", $"\"{compaction.Agent}\" sees only a part of what it summarises: it has a \"context\"", "Remove it, or use a separate agent.");
        }
    }

    private static string? Topic(MapReader map)
    {
        var topic = map.Text("topic");
        if (!map.Has("topic"))
        {
            map.Missing("topic", "the type of the topics whose messages are handled", "Such as topic: tickets");
        }

        return topic is not null && map.CheckName(map.PathOf("topic"), map.Value("topic")!.Location, topic, "topic", NameRule.Workflow) ? topic : null;
    }

    /// <summary>Reports keys that do not belong together.</summary>
    private static void CheckForm(MapReader map, SourceMapping mapping)
    {
        if (map.Has("agent") && map.Has("workflow"))
        {
            map.Invalid("workflow", "a subscription names an agent or a workflow, not both", "Remove one of them, or make two subscriptions.");
        }

        // They are read where they stand for something, in the file that the short form stands for.
        foreach (var key in ShortKeys)
        {
            if (map.Value(key) is not null && !IsShort(mapping))
            {
                map.NotApplicable(key, $"\"{key}\" belongs to a subscription with \"agent\" or \"workflow\"", "Without one of them the file's own nodes handle the messages: write it there.");
            }
        }

        if (map.Has("attach") && map.Has("workflow"))
        {
            map.NotApplicable("attach", "\"attach\" is for an agent", "A workflow has an \"input\".");
        }

        if (map.Has("prompt") && map.Has("workflow"))
        {
            map.NotApplicable("prompt", "\"prompt\" is for an agent", "A workflow has an \"input\".");
        }
        else if (map.Has("input") && map.Has("agent"))
        {
            map.NotApplicable("input", "\"input\" is for a workflow", "An agent has a \"prompt\".");
        }
    }

    private static IEnumerable<(string Key, JsonElement Value)> Written(MapReader map)
    {
        foreach (var key in (string[])["agent", "workflow", .. ShortKeys])
        {
            if (map.Value(key) is { } value && SourceValues.ToJson(map.Context, value, map.PathOf(key)) is { } json)
            {
                yield return (key, json);
            }
        }
    }

    /// <summary>Writes the file that a short form stands for, of the parts of the file as they are, with their places.</summary>
    private sealed class ShortForm(string name, MapReader map, SourceMapping mapping, SourceMapping root)
    {
        private readonly List<SourceEntry> _nodes = [];
        private readonly List<SourceNode> _edges = [];

        public SourceMapping Expand()
        {
            var handler = new List<SourceEntry>();
            var what = map.Has("agent") ? "prompt" : "input";
            Copy(handler, "agent");
            Copy(handler, "workflow");
            Copy(handler, what);
            if (what == "prompt")
            {
                Copy(handler, "attach");
            }

            if (!map.Has(what))
            {
                handler.Add(new SourceEntry(what, map.Location, Text("{{ input }}")));
            }

            Copy(handler, "write");

            _nodes.Add(new SourceEntry(name, map.Location, new SourceMapping(mapping.Location, handler)));
            AddPublished();
            var file = new List<SourceEntry>(root.Entries.Where(entry => entry.Key is "name" or "version" or "description" or "limits" or "models" or "agents"));
            if (map.Value("schema") is { } schema)
            {
                file.Add(new SourceEntry("input", map.KeyLocation("schema"), schema));
            }

            file.Add(new SourceEntry("nodes", map.Location, new SourceMapping(map.Location, _nodes)));
            file.Add(new SourceEntry("edges", map.Location, new SourceSequence(map.Location, _edges)));
            file.Add(new SourceEntry("output", map.Location, Text($"{{{{ nodes.{name}.output }}}}")));
            Copy(file, "state");
            var rest = mapping.Entries.Where(entry => entry.Key is "topic" or "sourcePrefix" or "retry" or "idle" or "maxConcurrency" or "maxMessages" or "compact");
            file.Add(new SourceEntry("subscriptions", map.Location, new SourceMapping(map.Location, [new SourceEntry(name, map.Location, new SourceMapping(mapping.Location, [.. rest]))])));
            return new SourceMapping(root.Location, file);
        }

        private void Copy(List<SourceEntry> to, string key)
        {
            if (map.Value(key) is { } value)
            {
                to.Add(new SourceEntry(key, map.KeyLocation(key), value));
            }
        }

        private void AddPublished()
        {
            switch (map.Value("publish"))
            {
                case null:
                    break;
                case SourceMapping one:
                    Add(one, map.PathOf("publish"), 1);
                    break;
                case SourceSequence { Items.Count: > 0 and <= MostPublished } several:
                    for (var i = 0; i < several.Items.Count; i++)
                    {
                        Add(several.Items[i], $"{map.PathOf("publish")}[{i}]", i + 1);
                    }

                    break;
                case var other:
                    map.WrongType("publish", other, $"an object, or an array of 1 to {MostPublished}", "Such as publish: { topic: replies, data: \"{{ nodes.triage.output }}\" }.");
                    break;
            }
        }

        private void Add(SourceNode item, string path, int number)
        {
            if (item is not SourceMapping published)
            {
                map.WrongTypeAt(path, item, "each entry of \"publish\"", "an object", "Such as { topic: replies, data: \"{{ nodes.triage.output }}\" }.");
                return;
            }

            var node = $"{name}_publish_{number}";
            var entries = published.Entries.Where(entry => entry.Key != "when").Select(entry => entry.Key == "topic" ? entry with { Key = "publish" } : entry).ToList();
            if (entries.TrueForAll(entry => entry.Key != "publish"))
            {
                map.Context.Error("missing_key", path + ".topic", item.Location, $"the key \"topic\" is missing in {path}: the type of the topic", "Such as topic: replies");
                return;
            }

            if (entries.TrueForAll(entry => entry.Key != "data"))
            {
                entries.Add(new SourceEntry("data", item.Location, Text($"{{{{ nodes.{name}.output }}}}")));
            }

            _nodes.Add(new SourceEntry(node, item.Location, new SourceMapping(item.Location, entries)));
            var edge = new List<SourceEntry> { new("from", item.Location, Text(name)), new("to", item.Location, Text(node)) };
            edge.AddRange(published.Entries.Where(entry => entry.Key == "when"));
            _edges.Add(new SourceMapping(item.Location, edge));
        }

        private SourceScalar Text(string text) => new(map.Location, text, text, default);
    }
}
