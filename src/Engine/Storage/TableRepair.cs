using Microsoft.Extensions.Logging;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Storage;

/// <summary>
/// Makes a file usable again of which a table takes no new row because a page is damaged: what can be read goes into a new table, the old one stays in
/// the file as <c>damaged_N_NAME</c>. All in one transaction. What was on the damaged page is lost, as it was before.
/// </summary>
internal static class TableRepair
{
    private const string Last = "9223372036854775806";

    // Tables, what their rows are ordered by, and a row at the end, where new ones go.
    private static readonly (string Name, string Key, string Probe)[] Tables =
    [
        ("meta", "name", "INSERT INTO meta(name, value) VALUES('~', 1)"),
        ("instances", "key", $"INSERT INTO instances(key, id, name, created, updated, status, head, generation_row) VALUES({Last}, '~', '~', 0, 0, 0, 0, 0)"),
        ("log", "seq", $"INSERT INTO log(seq, instance, prev, data) VALUES({Last}, 0, 0, x'00')"),
        ("entities", "id", "INSERT INTO entities(id, state) VALUES('~', '')"),
        ("entity_inbox", "seq", $"INSERT INTO entity_inbox(seq, entity, data) VALUES({Last}, '~', x'00')"),
        ("payloads", "rowid", $"INSERT INTO payloads(rowid, hash, data) VALUES({Last}, '~', x'00')"),
        ("payload_owners", "instance, hash", "INSERT INTO payload_owners(instance, hash) VALUES('~', '~')"),
        ("ledger", "key", $"INSERT INTO ledger(key, step, instance, agent, model, request_hash, workflow, provider, deployment, begun, failed, begun_at) VALUES({Last}, '~', '~', '', '', '', '', '', '', 0, 0, 0)"),
        ("usage", "day, workflow, agent, provider, model", $"INSERT INTO usage VALUES({Last}, '', '', '', '', 0, 0, 0, 0, 0, '0', 0, 0, 0)"),
        ("definitions", "hash", "INSERT INTO definitions(hash, json) VALUES('~', '')"),
    ];

    /// <summary>Tries each table, and rebuilds those that take no row.</summary>
    /// <exception cref="DataFileException">The file is damaged where it cannot be helped.</exception>
    internal static void Run(Database database, string path, ILogger log)
    {
        var damaged = Tables.Where(table => !Takes(database, table.Probe)).ToList();
        if (damaged.Count == 0)
        {
            return;
        }

        // Read over a connection of its own, as it was: an error of one that writes ends its transaction.
        using var source = new Database(path, create: false);
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            foreach (var (name, key, _) in damaged)
            {
                var lost = Rebuild(source, database, name, key);
                Log.TableRepaired(log, path, name, lost);
            }

            NoteFloors(database);
            database.Execute("COMMIT");
        }
        catch
        {
            database.TryExecute("ROLLBACK");
            throw;
        }
    }

    private static bool Takes(Database database, string insert)
    {
        if (!database.TryBegin())
        {
            // Another process writes to it; it will be seen when this one does.
            return true;
        }

        try
        {
            database.Execute(insert);
            return true;
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            return false;
        }
        finally
        {
            database.TryExecute("ROLLBACK");
        }
    }

    private static string Rebuild(Database source, Database database, string name, string key)
    {
        var old = Enumerable.Range(1, int.MaxValue).Select(number => $"damaged_{number}_{name}")
            .First(each => database.ReadInt64($"SELECT count(*) FROM sqlite_schema WHERE name = '{each}'") == 0);
        foreach (var index in database.ReadTexts($"SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = '{name}' AND sql IS NOT NULL"))
        {
            database.Execute($"DROP INDEX {index}");
        }

        database.Execute($"ALTER TABLE {name} RENAME TO {old}");
        foreach (var statement in Schema.StatementsOf(name))
        {
            database.Execute(statement);
        }

        // From both ends to the damaged page, each row by itself: what came before an error stays.
        var columns = name == "payloads" ? "rowid, hash, data" : "*";
        var into = name == "payloads" ? "payloads(rowid, hash, data)" : name;
        var found = (string[])["", ""];
        for (var direction = 0; direction < 2; direction++)
        {
            var order = string.Join(", ", key.Split(", ").Select(column => direction == 0 ? column : column + " DESC"));
            found[direction] = Copy(source, database, $"SELECT {columns} FROM {name} NOT INDEXED ORDER BY {order}", into);
        }

        if (name == "instances")
        {
            // The index of ids names those that are lost, so that they can be shown.
            const string lost = "instances(key, id, name, created, updated, status, head, generation_row)";
            var row = $"SELECT key, id, '', {database.ReadInt64("SELECT max(created) FROM instances")}, 0, 0, 0, 0 FROM instances INDEXED BY sqlite_autoindex_instances_1 ORDER BY id";
            Copy(source, database, row, lost);
            Copy(source, database, row + " DESC", lost);
        }

        return $"{found[0]} and {found[1]}";
    }

    /// <returns>What was read last.</returns>
    private static string Copy(Database source, Database database, string select, string into)
    {
        var last = "the beginning or the end";
        try
        {
            using var rows = source.Prepare(select);
            using var insert = database.Prepare($"INSERT OR IGNORE INTO {into} VALUES({string.Join(", ", Enumerable.Range(1, rows.Columns).Select(i => $"?{i}"))})");
            while (rows.Step())
            {
                last = rows.Text(0) ?? last;
                insert.BindRow(rows).Step();
            }
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            // The rest is on the other side, or lost.
        }

        return last;
    }

    /// <summary>Keeps the numbers of lost rows from being given to others: what refers to them must not find those.</summary>
    private static void NoteFloors(Database database)
    {
        foreach (var (name, query) in (ReadOnlySpan<(string, string)>)
        [
            ("sequence_floor", "SELECT max(n) FROM (SELECT max(head) AS n FROM instances UNION ALL SELECT max(generation_row) FROM instances UNION ALL SELECT max(prev) FROM log UNION ALL SELECT max(seq) FROM log)"),
            ("next_key", "SELECT max(n) + 1 FROM (SELECT max(key) AS n FROM instances UNION ALL SELECT max(instance) FROM log UNION ALL SELECT max(parent) FROM instances)"),
        ])
        {
            database.Execute($"INSERT INTO meta(name, value) VALUES('{name}', {database.ReadInt64(query)}) ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)");
        }
    }
}
