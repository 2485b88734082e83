using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Clients;

/// <content>Lists of instances. Pages are cut by key, so that instances started meanwhile move nothing.</content>
internal sealed partial class EmbeddedClient
{
    private const int BatchSize = 500;
    private const string TokenPrefix = "1.";

    public override Task<OrchestrationPage> QueryAsync(OrchestrationQuery query, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        query.Check();
        var found = new List<OrchestrationMetadata>();
        var before = query.ContinuationToken is null ? long.MaxValue : ReadToken(query.ContinuationToken);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rows = ReadBefore(before);
            foreach (var (row, key, id, damage) in rows)
            {
                if (row is null)
                {
                    // What it would have to match is not known, so it is always shown: better once too often than lost from sight.
                    if (found.Count == query.PageSize)
                    {
                        return Task.FromResult(new OrchestrationPage(found, MakeToken(before)));
                    }

                    before = key;
                    found.Add(DamagedInstances.Describe(id, damage!));
                    continue;
                }

                // Keys are given in the order of creation, so nothing older can match.
                if (row.Created < query.CreatedFrom)
                {
                    return Task.FromResult(new OrchestrationPage(found, null));
                }

                if (!MatchesRow(query, row) || Read(query, row) is not { } instance || !MatchesStatus(query, instance))
                {
                    before = row.Key;
                    continue;
                }

                // The token is given only when there is one more, so that the last page says that it is the last.
                if (found.Count == query.PageSize)
                {
                    return Task.FromResult(new OrchestrationPage(found, MakeToken(before)));
                }

                before = row.Key;
                found.Add(instance);
            }

            if (rows.Count < BatchSize)
            {
                return Task.FromResult(new OrchestrationPage(found, null));
            }
        }
    }

    private List<(InstanceRow? Row, long Key, string Id, string? Damage)> ReadBefore(long key)
    {
        try
        {
            return [.. kernel.Store.Read(reader => reader.ReadBefore(key, BatchSize)).Select(row => ((InstanceRow?)row, row.Key, row.Id, (string?)null))];
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            return kernel.Store.Read(reader => reader.ReadBeforeOneByOne(key, BatchSize));
        }
    }

    private static bool MatchesRow(OrchestrationQuery query, InstanceRow row) =>
        query.Wants(row.Name, row.ParentId) &&
        (query.InstanceIdPrefix is null || row.Id.StartsWith(query.InstanceIdPrefix, StringComparison.Ordinal)) &&
        (query.CreatedTo is not { } to || row.Created < to) &&
        (query.Tags is not { Count: > 0 } tags || HasTags(InstanceReader.ReadTags(row.Tags), tags));

    private static bool MatchesStatus(OrchestrationQuery query, OrchestrationMetadata instance) =>
        query.Statuses.Count == 0 || query.Statuses.Contains(instance.RuntimeStatus);

    private static bool HasTags(IReadOnlyDictionary<string, string> has, IReadOnlyDictionary<string, string> wanted) =>
        wanted.All(tag => has.TryGetValue(tag.Key, out var value) && value == tag.Value);

    private static string MakeToken(long key) => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(TokenPrefix + key.ToString(CultureInfo.InvariantCulture)));

    private static long ReadToken(string token)
    {
        if (Base64Url.IsValid(token) &&
            Encoding.ASCII.GetString(Base64Url.DecodeFromChars(token)) is var text &&
            text.StartsWith(TokenPrefix, StringComparison.Ordinal) &&
            long.TryParse(text.AsSpan(TokenPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var key))
        {
            return key;
        }

        throw new PolyphonyException("invalid_continuation_token", "This engine did not issue the continuation token. Pass the token of the previous page unchanged.");
    }

    private OrchestrationMetadata? Read(OrchestrationQuery query, InstanceRow row)
    {
        if (row.Completed is null)
        {
            return Find(row.Id, query.FetchInputsAndOutputs);
        }

        // The status is known without a look at the history.
        return query.Statuses.Count > 0 && !query.Statuses.Contains((OrchestrationRuntimeStatus)row.Status)
            ? null
            : ReadFinished(query, row);
    }

    private OrchestrationMetadata? ReadFinished(OrchestrationQuery query, InstanceRow row)
    {
        // Since the list was read it may have been purged, or set back and so gone on.
        var (goesOn, finished) = kernel.Store.Read(reader => reader.FindInstance(row.Key) is { } now
            ? (now.Completed is null, now.Completed is null ? null : InstanceReader.DescribeFinished(reader, now, query.FetchInputsAndOutputs))
            : (false, null));
        return goesOn ? Find(row.Id, query.FetchInputsAndOutputs) : finished;
    }
}
