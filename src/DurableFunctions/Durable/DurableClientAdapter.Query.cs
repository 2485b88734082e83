using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using DurableQuery = Microsoft.DurableTask.Client.OrchestrationQuery;
using DurableStatus = Microsoft.DurableTask.Client.OrchestrationRuntimeStatus;

namespace Polyphony.DurableFunctions.Durable;

/// <content>
/// Lists of instances. Storage providers list in the order of ids and leave tags out, so the ids of all instances that fit the provider's
/// own conditions are read, a thousand at a time, and then those instances themselves, from the newest on, until the page is full.
/// </content>
internal sealed partial class DurableClientAdapter
{
    private const int ScanPageSize = 1000;
    private const int ParallelReads = 16;
    private const string TokenPrefix = "1.";

    /// <inheritdoc/>
    public override async Task<OrchestrationPage> QueryAsync(OrchestrationQuery query, CancellationToken cancellationToken = default)
    {
        query.Check();
        var before = query.ContinuationToken is null ? null : Position.Read(query.ContinuationToken);
        var found = new List<Position>();
        await foreach (var each in ScanAsync(query, cancellationToken))
        {
            var position = new Position(each.CreatedTime.UtcTicks, each.InstanceId);
            if ((before is null || position.CompareTo(before) < 0) && query.WantsName(each.Name))
            {
                found.Add(position);
            }
        }

        found.Sort((one, other) => other.CompareTo(one));
        var page = new List<OrchestrationMetadata>();
        Position? last = null;
        foreach (var batch in found.Chunk(ParallelReads))
        {
            var read = await Task.WhenAll(batch.Select(position => GetAsync(position.Id, query.FetchInputsAndOutputs, cancellationToken)));
            for (var i = 0; i < batch.Length; i++)
            {
                if (read[i] is not { } each || !Matches(query, each))
                {
                    continue;
                }

                // The token is given only when there is one more, so that the last page says that it is the last.
                if (page.Count == query.PageSize)
                {
                    return new OrchestrationPage(page, last!.ToToken());
                }

                page.Add(each);
                last = batch[i];
            }
        }

        return new OrchestrationPage(page, null);
    }

    private static bool Matches(OrchestrationQuery query, OrchestrationMetadata instance) =>
        query.Wants(instance.Name, instance.ParentInstanceId) &&
        (query.InstanceIdPrefix is null || instance.InstanceId.StartsWith(query.InstanceIdPrefix, StringComparison.Ordinal)) &&
        (query.CreatedFrom is not { } from || instance.CreatedTime >= from) &&
        (query.CreatedTo is not { } to || instance.CreatedTime < to) &&
        (query.Statuses.Count == 0 || query.Statuses.Contains(instance.RuntimeStatus)) &&
        (query.Tags is not { } tags || tags.All(tag => instance.Tags.TryGetValue(tag.Key, out var value) && value == tag.Value));

    // One that waits for a start far ahead runs already for Durable Task.
    private static IEnumerable<DurableStatus> Asked(IEnumerable<OrchestrationRuntimeStatus> statuses) => statuses.SelectMany(status =>
        status == OrchestrationRuntimeStatus.Pending ? [DurableStatus.Pending, DurableStatus.Running] : new[] { Map(status) });

    private static DurableStatus Map(OrchestrationRuntimeStatus status) => Enum.Parse<DurableStatus>(status.ToString());

    private async IAsyncEnumerable<OrchestrationMetadata> ScanAsync(
        OrchestrationQuery query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The provider's time is that of the latest generation, which may be later than "to" although the instance is older.
        var scan = new DurableQuery
        {
            CreatedFrom = query.CreatedFrom,
            Statuses = query.Statuses.Count == 0 ? null : Asked(query.Statuses).Distinct().ToList(),
            InstanceIdPrefix = query.InstanceIdPrefix,
            PageSize = ScanPageSize,
            FetchInputsAndOutputs = false,
        };
        await foreach (var found in _client().GetAllInstancesAsync(scan).WithCancellation(cancellationToken))
        {
            // Entities are kept among the instances.
            if (!found.InstanceId.StartsWith('@'))
            {
                yield return Describe(found, payloads: false);
            }
        }
    }

    /// <summary>Finds the children of an instance and theirs, parents first.</summary>
    /// <remarks>
    /// Ids of children begin with their parent's, so that few rows are read. Only code that is not the interpreter's may give them other ids:
    /// then everything is looked at that was started since.
    /// </remarks>
    private async Task<IReadOnlyList<string>> DescendantsAsync(OrchestrationMetadata instance, CancellationToken cancellationToken)
    {
        var named = instance.Name is TaskNames.WorkflowOrchestration or TaskNames.ItemsOrchestration;
        var scan = named ? new OrchestrationQuery { InstanceIdPrefix = ChildPrefix(instance.InstanceId) } : new OrchestrationQuery { CreatedFrom = instance.CreatedTime };
        var candidates = new List<string>();
        await foreach (var each in ScanAsync(scan, cancellationToken))
        {
            if (each.InstanceId != instance.InstanceId)
            {
                candidates.Add(each.InstanceId);
            }
        }

        // Whose child an instance is, its tag says: others may have taken ids of the same form.
        var children = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var batch in candidates.Chunk(ParallelReads))
        {
            foreach (var each in await Task.WhenAll(batch.Select(id => GetAsync(id, fetchInputsAndOutputs: false, cancellationToken))))
            {
                if (each?.ParentInstanceId is { } parent)
                {
                    if (!children.TryGetValue(parent, out var list))
                    {
                        children.Add(parent, list = []);
                    }

                    list.Add(each.InstanceId);
                }
            }
        }

        var found = new List<string>(children.GetValueOrDefault(instance.InstanceId, []));
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(children.GetValueOrDefault(found[i], []));
        }

        return found;
    }

    // The interpreter shortens ids that would be too long to their first half and a hash.
    private static string ChildPrefix(string instanceId) => instanceId.Length < DurableLimits.MaxInstanceIdLength / 2 ? $"{instanceId}:" : instanceId[..(DurableLimits.MaxInstanceIdLength / 2)];

    /// <summary>Where an instance stands in a list: by its time, and by its id among those of the same time.</summary>
    private sealed record Position(long Ticks, string Id) : IComparable<Position>
    {
        public static Position Read(string token)
        {
            if (Base64Url.IsValid(token) && Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token)).Split('.', 3) is [var version, var ticks, var id]
                && version + '.' == TokenPrefix && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return new Position(number, id);
            }

            throw new PolyphonyException("invalid_continuation_token", "This host did not issue the continuation token. Pass the token of the previous page unchanged.");
        }

        public string ToToken() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{TokenPrefix}{Ticks}.{Id}"));

        public int CompareTo(Position? other) =>
            other is null ? 1 : Ticks != other.Ticks ? Ticks.CompareTo(other.Ticks) : string.CompareOrdinal(Id, other.Id);
    }
}
