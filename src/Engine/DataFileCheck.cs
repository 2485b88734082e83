using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine;

/// <summary>What is wrong in a data file.</summary>
/// <param name="InstanceId">The instance that it concerns; <see langword="null"/> if it is the file itself, or nobody knows.</param>
/// <param name="Found">What was found.</param>
public sealed record DataFileProblem(string? InstanceId, string Found);

/// <summary>What a check of a data file found.</summary>
/// <param name="Instances">How many instances it has.</param>
/// <param name="Problems">What is wrong; empty if nothing is.</param>
public sealed record DataFileReport(int Instances, IReadOnlyList<DataFileProblem> Problems)
{
    /// <summary>Gets the instances that are damaged, each once, in the order of their creation.</summary>
    public IReadOnlyList<string> DamagedInstances { get; } = [.. Problems.Select(problem => problem.InstanceId).OfType<string>().Distinct(StringComparer.Ordinal)];
}

/// <summary>Checks a data file, beside a host that has it or without one: its pages, every row of every instance, and what they refer to.</summary>
public sealed class DataFileCheck
{
    private const int MostPageProblems = 100;
    private const string Reference = "\"reference\":{\"hash\":\"";
    private const int HashLength = 64;

    private readonly StoreReader _reader;
    private readonly List<DataFileProblem> _problems = [];
    private readonly HashSet<string> _missingPayloads = new(StringComparer.Ordinal);
    private readonly Dictionary<long, long> _newerHeads = [];

    private DataFileCheck(StoreReader reader) => _reader = reader;

    /// <summary>Checks a data file as it is at the beginning. Nothing is written.</summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told the share of the instances that is checked, 0 to 1; the pages come before them.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="DataFileException">There is no such file, it lacks its log, is of another format, or cannot be read at all.</exception>
    public static Task<DataFileReport> RunAsync(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        Task.Run(
            () =>
            {
                using var file = FileReading.Open(path);
                using var reader = new StoreReader(file.Database, path, ownsDatabase: false);
                reader.Begin();
                var report = new DataFileCheck(reader).Run(progress, cancellationToken);
                file.Check();
                return report;
            },
            cancellationToken);

    private DataFileReport Run(IProgress<double>? progress, CancellationToken cancellationToken)
    {
        Try(null, CheckPages);
        cancellationToken.ThrowIfCancellationRequested();
        Try(null, () => CheckPayloads(cancellationToken));
        Try(null, CheckOperations);
        Try(null, ReadNewerHeads);
        var keys = _reader.ReadKeys(found => _problems.Add(new DataFileProblem(null, found)));
        for (var i = 0; i < keys.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            CheckInstance(keys[i].Key, keys[i].Id);
            progress?.Report((i + 1.0) / keys.Count);
        }

        return new DataFileReport(keys.Count, _problems);
    }

    private void CheckPages()
    {
        foreach (var problem in _reader.Database.ReadTexts($"PRAGMA integrity_check({MostPageProblems})").Where(text => text != "ok"))
        {
            _problems.Add(new DataFileProblem(null, problem.ReplaceLineEndings(" ")));
        }
    }

    private void CheckInstance(long key, string? id)
    {
        Try(id ?? StoreReader.IdOf(key), () =>
        {
            if (_reader.FindInstance(key) is not { } row)
            {
                throw DataFileException.Corrupt(_reader.Name, "its row in the table of instances is missing");
            }

            var head = _newerHeads.GetValueOrDefault(key, row.Head);
            if (row.Completed is null)
            {
                GenerationHistory.Read(_reader, head);
            }

            CheckChain(row.Id, head);
            CheckOwned(row.Id);
        });
    }

    // Not ReadChain, which would hold all rows of a long run at a time.
    private void CheckChain(string id, long head)
    {
        for (var sequence = head; sequence > 0;)
        {
            var row = _reader.ReadRow(sequence);
            foreach (var hash in ReferencesOf(sequence).Where(hash => !Exists("payloads", hash)))
            {
                _problems.Add(new DataFileProblem(id, $"row {sequence} of the log refers to payload {hash}, which is missing"));
            }

            if (row.Previous >= sequence)
            {
                throw DataFileException.Corrupt(_reader.Name, $"row {sequence} of the log points to row {row.Previous}");
            }

            sequence = row.Previous;
        }
    }

    private List<string> ReferencesOf(long sequence)
    {
        using var query = _reader.Database.Prepare("SELECT data FROM log WHERE seq = ?1");
        if (!query.Bind(1, sequence).Step())
        {
            return [];
        }

        // JSON inside JSON: how deep makes no difference without the escapes.
        var text = Encoding.UTF8.GetString(query.Blob(0)).Replace("\\", "", StringComparison.Ordinal);
        query.Reset();
        var found = new List<string>();
        for (var at = text.IndexOf(Reference, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Reference, at + 1, StringComparison.Ordinal))
        {
            var hash = text.AsSpan(at + Reference.Length);
            if (hash.Length > HashLength && hash[HashLength] == '"')
            {
                found.Add(hash[..HashLength].ToString());
            }
        }

        return [.. found.Distinct(StringComparer.Ordinal)];
    }

    private void CheckOwned(string id)
    {
        using var query = _reader.Database.Prepare("SELECT hash FROM payload_owners WHERE instance = ?1");
        query.Bind(1, id);
        while (query.Step())
        {
            var hash = query.Text(0)!;
            if (_missingPayloads.Contains(hash) || !Exists("payloads", hash))
            {
                _problems.Add(new DataFileProblem(id, $"payload {hash} is missing or damaged"));
            }
        }

        using var ledger = _reader.Database.Prepare("SELECT step, answer FROM ledger WHERE instance = ?1 AND answer IS NOT NULL");
        ledger.Bind(1, id);
        while (ledger.Step())
        {
            try
            {
                JsonSerializer.Deserialize(ledger.Text(1)!, CoreJsonContext.Default.LedgerAnswer);
            }
            catch (JsonException e)
            {
                _problems.Add(new DataFileProblem(id, $"the answer of step \"{ledger.Text(0)}\" in the ledger cannot be read: {e.Message}"));
            }
        }
    }

    private bool Exists(string table, string hash)
    {
        using var query = _reader.Database.Prepare($"SELECT 1 FROM {table} WHERE hash = ?1");
        return query.Bind(1, hash).Step();
    }

    private void CheckPayloads(CancellationToken cancellationToken)
    {
        using var rows = _reader.Database.Prepare("SELECT hash, data FROM payloads");
        while (rows.Step())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Convert.ToHexStringLower(SHA256.HashData(rows.Blob(1))) != rows.Text(0))
            {
                _missingPayloads.Add(rows.Text(0)!);
            }
        }
    }

    private void CheckOperations()
    {
        using var rows = _reader.Database.Prepare("SELECT seq, entity, data FROM entity_inbox ORDER BY seq");
        while (rows.Step())
        {
            var (sequence, entity) = (rows.Int64(0), rows.Text(1));
            try
            {
                EntityMessage.Decode(rows.Blob(2), sequence);
            }
            catch (Exception e) when (e is InvalidDataException or IndexOutOfRangeException or ArgumentOutOfRangeException)
            {
                _problems.Add(new DataFileProblem(null, $"message {sequence} to entity \"{entity}\" cannot be read: {e.Message}"));
            }
        }
    }

    private void ReadNewerHeads()
    {
        var checkpoint = _reader.Database.ReadInt64("SELECT value FROM meta WHERE name = 'checkpoint'");
        using var rows = _reader.Database.Prepare("SELECT seq, instance FROM log WHERE seq >= ?1 ORDER BY seq");
        rows.Bind(1, checkpoint);
        while (rows.Step())
        {
            _newerHeads[rows.Int64(1)] = rows.Int64(0);
        }
    }

    private void Try(string? id, Action check)
    {
        try
        {
            check();
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            _problems.Add(new DataFileProblem(id, e.Found));
        }
    }
}
