using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>schedule</c>: a schedule, or several in an array.</summary>
internal static class ScheduleReader
{
    private const string Key = "schedule";
    private const string Example = "Such as { cron: \"0 7 * * 1-5\", timeZone: Europe/Berlin }.";

    public static List<ScheduleDraft> Read(MapReader parent)
    {
        var drafts = new List<ScheduleDraft>();
        switch (parent.Value(Key))
        {
            case null:
                break;
            case SourceMapping one:
                drafts.Add(ReadOne(parent.Context, one, Key, parent.KeyLocation(Key)));
                break;
            case SourceSequence list:
                ReadList(parent, list, drafts);
                break;
            case var other:
                parent.WrongType(Key, other, "an object, or an array of them", Example);
                break;
        }

        return drafts;
    }

    private static void ReadList(MapReader parent, SourceSequence list, List<ScheduleDraft> drafts)
    {
        if (list.Items.Count is 0 or > ScheduleDefinition.MaxPerWorkflow)
        {
            parent.Invalid(Key, $"\"{Key}\" must have 1 to {ScheduleDefinition.MaxPerWorkflow} entries, not {list.Items.Count}");
            return;
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Items.Count; i++)
        {
            var path = $"{Key}[{i}]";
            if (list.Items[i] is not SourceMapping map)
            {
                parent.WrongTypeAt(path, list.Items[i], $"each entry of \"{Key}\"", "an object", Example);
                continue;
            }

            var draft = ReadOne(parent.Context, map, path, map.Location);
            if (!names.Add(draft.Definition.Name))
            {
                parent.Context.Error(
                    "duplicate_key", path, map.Location, $"there are two schedules named \"{SourceValues.Shorten(draft.Definition.Name)}\"", "Give each a \"name\" of its own: the ids of instances have it.");
            }

            drafts.Add(draft);
        }
    }

    private static ScheduleDraft ReadOne(ParseContext context, SourceMapping source, string path, SourceLocation location)
    {
        var map = new MapReader(context, source, path, location);
        var cron = map.Text("cron");
        if (!map.Has("cron"))
        {
            map.Missing("cron", "it says when the workflow is started", Example);
        }

        var definition = new ScheduleDefinition
        {
            Cron = cron?.Trim() ?? "",
            TimeZone = map.Text("timeZone") ?? ScheduleDefinition.DefaultTimeZone,
            CatchUp = map.OneOf("catchUp", ("skip", CatchUpPolicy.Skip), ("one", CatchUpPolicy.One), ("all", CatchUpPolicy.All)) ?? CatchUpPolicy.One,
            Input = map.Json("input", ExpressionPlace.Schedule, null),
        };
        if (map.Text("name") is { } name)
        {
            map.CheckName(map.PathOf("name"), map.Value("name")!.Location, name, "schedule", NameRule.Workflow);
            definition = definition with { Name = name };
        }

        map.Finish();
        var input = definition.Input is { } template ? context.Values[template].GetRawText() : "";
        definition = definition with { Hash = WorkflowParser.Hash($"{definition.Timing}\n{definition.CatchUp}\n{input}") };
        return new ScheduleDraft(definition, path, location, map.Value("cron") as SourceScalar, map.Value("timeZone") as SourceScalar, map.Value("name") as SourceScalar, map.Value("input"));
    }
}

/// <summary>A schedule as it was read, with the places of what is checked when all of the file is known.</summary>
internal sealed record ScheduleDraft(
    ScheduleDefinition Definition, string Path, SourceLocation Location, SourceScalar? Cron, SourceScalar? TimeZone, SourceScalar? Name, SourceNode? Input);
