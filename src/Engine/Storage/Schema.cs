namespace Polyphony.Engine.Storage;

/// <summary>The tables of the data file.</summary>
internal static class Schema
{
    /// <summary>"Poly": marks the file as ours.</summary>
    internal const long ApplicationId = 0x506f6c79;

    /// <summary>The format. A change that older code cannot read makes it grow.</summary>
    internal const long Version = 3;

    /// <remarks>
    /// The log carries no index but its key, so that a step appends one row at the end of one tree. A row points to its instance's
    /// row before it; the newest of an unfinished instance is in memory and is written to "instances" now and then.
    /// </remarks>
    private const string Tables = """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE instances(
          key INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE,
          name TEXT NOT NULL,
          parent INTEGER,
          parent_id TEXT,
          parent_name TEXT,
          parent_task INTEGER,
          parent_generation INTEGER,
          created INTEGER NOT NULL,
          updated INTEGER NOT NULL,
          completed INTEGER,
          status INTEGER NOT NULL,
          head INTEGER NOT NULL,
          generation_row INTEGER NOT NULL,
          tags TEXT,
          custom_status TEXT);
        CREATE INDEX instances_by_parent ON instances(parent) WHERE parent IS NOT NULL;
        CREATE INDEX instances_unfinished ON instances(key) WHERE completed IS NULL;
        CREATE TABLE log(seq INTEGER PRIMARY KEY, instance INTEGER NOT NULL, prev INTEGER NOT NULL, data BLOB NOT NULL);
        CREATE TABLE entities(id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE entity_inbox(seq INTEGER PRIMARY KEY, entity TEXT NOT NULL, data BLOB NOT NULL);
        CREATE TABLE payloads(hash TEXT NOT NULL UNIQUE, data BLOB NOT NULL);
        CREATE TABLE payload_owners(instance TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(instance, hash)) WITHOUT ROWID;
        CREATE INDEX payload_owners_by_hash ON payload_owners(hash);
        CREATE TABLE ledger(
          key INTEGER PRIMARY KEY,
          step TEXT NOT NULL UNIQUE,
          instance TEXT NOT NULL,
          agent TEXT NOT NULL,
          model TEXT NOT NULL,
          request_hash TEXT NOT NULL,
          workflow TEXT NOT NULL,
          provider TEXT NOT NULL,
          deployment TEXT NOT NULL,
          answer TEXT,
          begun INTEGER NOT NULL,
          failed INTEGER NOT NULL,
          last_error TEXT,
          begun_at INTEGER NOT NULL,
          answered_at INTEGER);
        CREATE INDEX ledger_by_instance ON ledger(instance);
        CREATE INDEX ledger_unsettled ON ledger(begun_at) WHERE agent <> '' AND begun > failed + (answered_at IS NOT NULL);
        CREATE TABLE usage(
          day INTEGER NOT NULL,
          workflow TEXT NOT NULL,
          agent TEXT NOT NULL,
          provider TEXT NOT NULL,
          model TEXT NOT NULL,
          calls INTEGER NOT NULL,
          input INTEGER NOT NULL,
          cached INTEGER NOT NULL,
          output INTEGER NOT NULL,
          reasoning INTEGER NOT NULL,
          cost TEXT NOT NULL,
          unpriced INTEGER NOT NULL,
          estimated INTEGER NOT NULL,
          unsettled INTEGER NOT NULL,
          PRIMARY KEY(day, workflow, agent, provider, model)) WITHOUT ROWID;
        CREATE TABLE definitions(hash TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
        """;

    /// <summary>Gets what makes one table and its indexes.</summary>
    internal static IEnumerable<string> StatementsOf(string table) => Tables.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Where(statement => statement.StartsWith($"CREATE TABLE {table}(", StringComparison.Ordinal) || statement.Contains($" ON {table}(", StringComparison.Ordinal));

    /// <summary>Gets what makes an empty database a data file, in one transaction.</summary>
    internal static string Script => $"BEGIN; {Tables} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Version}; COMMIT";
}
