using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Polyphony.TestToolServer;

/// <summary>A file of what happened, for the test to read; and lines to the test itself, if it listens.</summary>
internal sealed class Diary : IDisposable
{
    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly StreamWriter? _listener;

    public Diary(string[] args)
    {
        _path = args[0];
        if (Array.IndexOf(args, "--tell") is > 0 and var at)
        {
            var client = new TcpClient();
            client.Connect(IPAddress.Loopback, int.Parse(args[at + 1], CultureInfo.InvariantCulture));
            _listener = new StreamWriter(client.GetStream()) { AutoFlush = true };
        }
    }

    public void Dispose() => _listener?.Dispose();

    public void Write(string line)
    {
        lock (_lock)
        {
            File.AppendAllText(_path, line + "\n");
            _listener?.WriteLine(line);
        }
    }
}
