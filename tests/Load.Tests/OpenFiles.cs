using System.Globalization;

namespace Polyphony.Load.Tests;

/// <summary>What a process has open, as Linux tells: how many of each kind.</summary>
/// <param name="Kinds">Kinds and how many there are of each: the path of a file; for a connection its state and the port of the server's side.</param>
internal sealed record OpenFiles(IReadOnlyDictionary<string, int> Kinds)
{
    private static readonly string[] States =
        ["", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"];

    public int Count => Kinds.Values.Sum();

    /// <summary>Gets those of one sort.</summary>
    public OpenFiles Where(Func<string, bool> isOfThatSort) => new(Kinds.Where(kind => isOfThatSort(kind.Key)).ToDictionary());

    public static OpenFiles Read(int processId)
    {
        // The files first: a connection made in between is then missing among the sockets and is called just that.
        var targets = Directory.EnumerateFileSystemEntries($"/proc/{processId}/fd").Select(Target).OfType<string>().ToList();
        var sockets = Sockets(processId);
        return new OpenFiles(targets.GroupBy(target => sockets.GetValueOrDefault(target) ?? WithoutNumber(target)).ToDictionary(kind => kind.Key, kind => kind.Count()));
    }

    /// <summary>Lists the kinds of which there are more than there were.</summary>
    public string GrownSince(OpenFiles before) => string.Join(
        "; ",
        Kinds.Select(kind => (kind.Key, By: kind.Value - before.Kinds.GetValueOrDefault(kind.Key))).Where(kind => kind.By > 0).OrderByDescending(kind => kind.By).ThenBy(kind => kind.Key)
            .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind.By} × {kind.Key}")));

    // Whatever was closed since it was listed has none.
    private static string? Target(string entry)
    {
        try
        {
            return new FileInfo(entry).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string WithoutNumber(string target) => target.IndexOf(":[", StringComparison.Ordinal) is > 0 and var end && !target.StartsWith("anon_inode", StringComparison.Ordinal) ? target[..end] : target;

    // The lines of /proc/PID/net/tcp: number, local address, remote address, state, …, and tenth the inode; addresses and states in hexadecimal.
    private static Dictionary<string, string> Sockets(int processId)
    {
        var lines = ((string[])["tcp", "tcp6"]).Select(table => $"/proc/{processId}/net/{table}").Where(File.Exists)
            .SelectMany(table => File.ReadLines(table).Skip(1)).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        var served = lines.Where(line => State(line) == "LISTEN").Select(line => Port(line[1])).ToHashSet();
        Dictionary<string, string> sockets = [];
        foreach (var line in lines.Where(line => line[9] != "0"))
        {
            sockets[$"socket:[{line[9]}]"] = served.Contains(Port(line[1])) ? $"tcp {State(line)} of a client at port {Port(line[1])}" : $"tcp {State(line)} to port {Port(line[2])}";
        }

        // And those of /proc/PID/net/unix: seventh the inode, eighth the path, if it has one.
        foreach (var line in File.ReadLines($"/proc/{processId}/net/unix").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            sockets[$"socket:[{line[6]}]"] = $"unix {(line.Length > 7 ? line[7] : "without a name")}";
        }

        return sockets;
    }

    private static int Port(string address) => int.Parse(address.Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string State(string[] line) => States[int.Parse(line[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture)];
}
