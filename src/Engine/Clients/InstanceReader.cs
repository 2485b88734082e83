using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Clients;

/// <summary>Turns rows of the file into what clients see. What is damaged is said in the failure details of a description.</summary>
internal static class InstanceReader
{
    internal static OrchestrationMetadata DescribeFinished(StoreReader reader, InstanceRow row, bool fetch)
    {
        var described = DescribeRow(row);
        try
        {
            var end = fetch || described.RuntimeStatus == OrchestrationRuntimeStatus.Failed ? reader.ReadRow(row.Head).Step?.Items[^1].Event : null;
            return described with
            {
                Input = fetch ? ReadInput(reader, row.GenerationRow) : null,
                Output = fetch ? (end as ExecutionCompleted)?.Output ?? (end as ExecutionTerminated)?.Output : null,
                FailureDetails = (end as ExecutionFailed)?.FailureDetails,
            };
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            return described with { FailureDetails = DamagedInstances.Details(row.Id, e.Found) };
        }
    }

    internal static OrchestrationMetadata DescribeRow(InstanceRow row) => new()
    {
        InstanceId = row.Id,
        Name = row.Name,
        RuntimeStatus = (OrchestrationRuntimeStatus)row.Status,
        CreatedTime = row.Created,
        LastUpdatedTime = row.Updated,
        CompletedTime = row.Completed,
        ParentInstanceId = row.ParentId,
        Tags = ReadTags(row.Tags),
        CustomStatus = row.CustomStatus,
        Version = row.Head,
    };

    internal static string? ReadInput(StoreReader reader, long generationRow) => (reader.ReadRow(generationRow).Step?.Items[0].Event as ExecutionStarted)?.Input;

    internal static IReadOnlyDictionary<string, string> ReadTags(string? tags) =>
        tags is null ? new Dictionary<string, string>() : JsonSerializer.Deserialize(tags, CoreJsonContext.Default.DictionaryStringString)!;

    internal static IReadOnlyList<HistoryEvent> ReadHistory(StoreReader reader, long head, long fromSequence)
    {
        var rows = reader.ReadChain(head, row => row.Step is { } step && step.FirstSequence <= fromSequence);
        var messages = rows.Where(row => row.Message is not null).ToDictionary(row => row.Sequence, row => row.Message!);
        var events = new List<HistoryEvent>();
        foreach (var step in rows.Select(row => row.Step).OfType<StepRow>())
        {
            var sequence = step.FirstSequence;
            foreach (var item in step.Items)
            {
                if (sequence >= fromSequence)
                {
                    var taken = item.Event ?? (messages.TryGetValue(item.MessageRow, out var message) ? message : reader.ReadRow(item.MessageRow).Message)!.Event;
                    events.Add(taken with { Sequence = sequence, Timestamp = step.Time });
                }

                sequence++;
            }
        }

        return events;
    }
}
