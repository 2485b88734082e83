using System.Text.Json;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Checks schedules once all of the file is known: that they are due at some time, in a zone that there is, with an input that the workflow takes.</summary>
internal sealed class ScheduleChecker(ParseContext context, WorkflowReader workflow)
{
    public void Check()
    {
        foreach (var draft in workflow.Schedules)
        {
            CheckNames(draft);
            if (draft.Cron is { Value: string } cron && !string.IsNullOrWhiteSpace(cron.Text) && CronTimes.FindProblem(cron.Text) is { } problem)
            {
                context.Error("invalid_cron", ParseContext.Join(draft.Path, "cron"), cron.LocationOf(problem.Offset), problem.Message, problem.Hint);
            }

            if (draft.TimeZone is { Value: string } zone && !string.IsNullOrWhiteSpace(zone.Text) && CronTimes.FindZone(zone.Text) is null)
            {
                context.Error("unknown_time_zone", ParseContext.Join(draft.Path, "timeZone"), zone.Location, $"there is no time zone \"{SourceValues.Shorten(zone.Text)}\"", ZoneHint(zone.Text));
            }

            CheckInput(draft);
        }
    }

    private static string ZoneHint(string zone) =>
        NearMatch.Hint(zone, TimeZoneInfo.GetSystemTimeZones().Select(known => known.Id).Where(id => id.Contains('/', StringComparison.Ordinal))) ?? "Use an IANA name such as Europe/Berlin, or UTC.";

    private void CheckNames(ScheduleDraft draft)
    {
        if (workflow.Name is { } name && name.Length + draft.Definition.Name.Length > ScheduleDefinition.MaxNames && draft.Name is { } at)
        {
            context.Error(
                "invalid_name", ParseContext.Join(draft.Path, "name"), at.Location,
                $"the names of workflow and schedule have {name.Length + draft.Definition.Name.Length} characters together; {ScheduleDefinition.MaxNames} is the limit, because the ids of instances are made of them", "Shorten one.");
        }
    }

    private void CheckInput(ScheduleDraft draft)
    {
        var isGiven = draft.Input is not null;
        if ((isGiven && draft.Definition.Input is null) || (workflow.Input is null && context.Locations.ContainsKey("input")))
        {
            // One of the two could not be read, which is a problem of its own.
            return;
        }

        var input = draft.Definition.Input is { } template ? context.Values[template] : JsonElement.Parse("{}"u8);
        if (workflow.Input is not { } schema)
        {
            if (isGiven && !IsEmpty(input) && !context.Uses.Any(use => use.References.Any(reference => reference.Path[0] == "input")))
            {
                Report(draft, "", "the workflow takes no input", "Leave \"input\" out, or describe it in \"input\" of the workflow.");
            }

            return;
        }

        foreach (var violation in schema.Validate(input))
        {
            if (!IsTemplate(input, violation))
            {
                var at = violation.Pointer.Length == 0 ? "" : violation.Pointer + ": ";
                Report(draft, violation.Pointer, $"{(isGiven ? "the input does not fit the workflow's schema" : "the workflow needs an input")}: {at}{ParseContext.Inner(violation.Message)}", "Write it in \"input\" of the schedule.");
            }
        }
    }

    private void Report(ScheduleDraft draft, string pointer, string message, string hint)
    {
        var (found, path) = draft.Input is { } source ? SourceValues.Find(source, ParseContext.Join(draft.Path, "input"), pointer) : (null, draft.Path);
        context.Error("schedule_input", path, found?.Location ?? draft.Location, message, hint);
    }

    private static bool IsEmpty(JsonElement input) => input.ValueKind == JsonValueKind.Object && !input.EnumerateObject().Any();

    // What a template gives is known at the due time, and is checked then.
    private static bool IsTemplate(JsonElement input, SchemaViolation violation) =>
        JsonPointer.Find(input, violation.Pointer) is { ValueKind: JsonValueKind.String } text && text.GetString()!.Contains("{{", StringComparison.Ordinal);
}
