using System.Text.Json;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>An instance about to be created, made ready before the commit.</summary>
internal sealed class NewInstance
{
    internal NewInstance(string id, ExecutionStarted start, DateTimeOffset time)
    {
        Id = id;
        Start = start;
        Time = time;
        Data = RowCodec.EncodeStep(new StepRow { Time = time, FirstSequence = 1, Generation = 1, Items = [new StepItem(start, 0)] });
    }

    internal string Id { get; }

    internal ExecutionStarted Start { get; }

    internal DateTimeOffset Time { get; }

    internal byte[] Data { get; }

    internal long ParentKey { get; init; }

    internal int ParentGeneration { get; init; }

    internal Lineage Lineage { get; init; } = Lineage.OfNewRoot();

    internal InstanceRow MakeRow(long key, DateTimeOffset created, long head) => new()
    {
        Key = key,
        Id = Id,
        Name = Start.Name,
        ParentKey = ParentKey,
        ParentId = Start.Parent?.InstanceId,
        ParentName = Start.Parent?.Name,
        ParentTaskId = Start.ParentTaskId ?? 0,
        ParentGeneration = ParentGeneration,
        Created = created,
        Updated = created,
        Head = head,
        GenerationRow = head,
        Tags = Start.Tags is { Count: > 0 } tags ? JsonSerializer.Serialize(new Dictionary<string, string>(tags), CoreJsonContext.Default.DictionaryStringString) : null,
    };

    internal GenerationHistory MakeHistory() => GenerationHistory.Begin(1, Start, []);
}
