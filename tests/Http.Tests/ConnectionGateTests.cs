using System.Net;
using System.Net.Sockets;
using System.Text;
using Polyphony.Cli;
using Polyphony.Cli.Hosting;
using Polyphony.Contract.Http;
using Polyphony.Hosting.DataFolders;

namespace Polyphony.Http.Tests;

/// <summary>More connections than a host can hold: it stays up, and who has a request is served.</summary>
[Trait("Row", "H1")]
[Trait("Row", "T4")]
public sealed class ConnectionGateTests : IAsyncLifetime
{
    private const int Most = 4;
    private const int MostUploaded = 1000;
    private const string Waiting = "name: waits\nnodes: { w: { wait: 1h } }\n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("polyphony-gate-");
    private readonly List<Socket> _sockets = [];
    private EmbeddedHost _host = null!;
    private ApiTarget _api = null!;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(_data.FullName, "waits.yaml"), Waiting);
        var settings = CliSettings.Read(Path.Combine(_data.FullName, "data"), _data.FullName, _data.FullName, false) with { ApiKey = null };
        _host = await EmbeddedHost.StartAsync(
            new HostOptions { Settings = settings, Connections = new ConnectionLimits { MaxConnections = Most, MaxUploadBytes = MostUploaded, Grace = TimeSpan.FromMinutes(2) } }, TestContext.Current.CancellationToken);
        _api = new ApiTarget(_host.Address, null);
    }

    public async ValueTask DisposeAsync()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _api.Dispose();
        await _host.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task Request_BesideMoreSilentConnectionsThanFit_IsServed()
    {
        for (var round = 0; round < 5; round++)
        {
            var silent = new List<Socket>();
            for (var i = 0; i < 2 * Most; i++)
            {
                silent.Add(await ConnectAsync("GET /healthz/live HTTP/1.1\r\nHost: loc"));
            }

            var answer = await ReadAsync(await ConnectAsync("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));

            Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);

            // The oldest made room.
            Assert.Equal("", await ReadAsync(silent[0]));
        }
    }

    [Fact]
    public async Task Request_WhenEveryConnectionHasOne_IsAnswered503AndTheyStay()
    {
        Assert.StartsWith("HTTP/1.1 202 ", await ReadAsync(await ConnectAsync(
            "POST /api/workflows/waits/instances HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"instanceId\":\"a\"}")), StringComparison.Ordinal);
        var streams = new List<Socket>();
        for (var i = 0; i < Most; i++)
        {
            var stream = await ConnectAsync("GET /api/instances/a/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200 ", await ReadSomeAsync(stream), StringComparison.Ordinal);
            streams.Add(stream);
        }

        var refused = await ReadAsync(await ConnectAsync(""));

        Assert.StartsWith("HTTP/1.1 503 ", refused, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"too_many_connections\"", refused, StringComparison.Ordinal);
        streams[0].Dispose();
        string answer;
        do
        {
            answer = await ReadAsync(await ConnectAsync("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        }
        while (answer.Length == 0 || answer.StartsWith("HTTP/1.1 503 ", StringComparison.Ordinal));

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_WhenOthersTakeAllTheRoom_IsRefusedAndSmallOnesAreNot()
    {
        const string head = "POST /api/workflows/waits/instances HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ";
        var slow = new List<Socket>();
        string refused;
        do
        {
            // Until a slow one has been taken up. Another each time: the server gives up one that sends nothing for some seconds.
            slow.Add(await ConnectAsync(head + "900\r\n\r\n{"));
            refused = await ReadAsync(await ConnectAsync(head + "200\r\n\r\n{}" + new string(' ', 198)));
        }
        while (refused.StartsWith("HTTP/1.1 202 ", StringComparison.Ordinal));

        Assert.True(refused.StartsWith("HTTP/1.1 503 ", StringComparison.Ordinal), refused);
        Assert.Contains("\"code\":\"too_many_uploads\"", refused, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 202 ", await ReadAsync(await ConnectAsync(head + "2\r\n\r\n{}")), StringComparison.Ordinal);
        Assert.Contains(await Task.WhenAll(slow.Select(EndAsync)), answer => answer.StartsWith("HTTP/1.1 202 ", StringComparison.Ordinal));

        // Which of several has the room is the server's affair; the others were refused, or given up.
        static async Task<string> EndAsync(Socket socket)
        {
            try
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes("}" + new string(' ', 898)));
                return await ReadAsync(socket);
            }
            catch (SocketException)
            {
                return "";
            }
        }
    }

    [Fact]
    public async Task Body_OfARequestThatWaits_TakesNoRoomOnceItWasRead()
    {
        const string head = "POST /api/workflows/waits/instances{0} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n";
        var body = """{"instanceId":"first"}""".PadRight(900);
        await ConnectAsync(head.Replace("{0}", "?wait=60", StringComparison.Ordinal) + body);
        while ((await _api.GetAsync("api/instances/first")).Status == HttpStatusCode.NotFound)
        {
            // It is read before it starts anything, and then goes on waiting.
        }

        Assert.StartsWith(
            "HTTP/1.1 202 ", await ReadAsync(await ConnectAsync(head.Replace("{0}", "", StringComparison.Ordinal) + "{}".PadRight(900))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Max open files            1024                 524288               files", 1024)]
    [InlineData("Max open files            unlimited            unlimited            files", int.MaxValue)]
    [InlineData("Max processes             1024                 524288               processes", null)]
    public void Parse_OfALimit_TakesTheSoftOne(string row, int? limit) => Assert.Equal(limit, OpenFiles.Parse(["Limit   Soft Limit   Hard Limit   Units", row]));

    private async Task<Socket> ConnectAsync(string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        await socket.ConnectAsync(_host.Address.Host, _host.Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
        return socket;
    }

    private static async Task<string> ReadSomeAsync(Socket socket)
    {
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(Patience);
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, limit.Token));
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        var text = new StringBuilder();
        try
        {
            while (await ReadSomeAsync(socket) is { Length: > 0 } read)
            {
                text.Append(read);
            }
        }
        catch (SocketException)
        {
            // Closed in the middle: what came before counts.
        }

        return text.ToString();
    }
}
