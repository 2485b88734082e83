using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Polyphony.Load.Tests.Clients;

/// <summary>Many clients that send and read next to nothing, against the real host with its real limits: they hold no threads, little memory, and nobody up.</summary>
[Trait("Row", "T2")]
[Trait("Row", "H1")]
[Trait("Row", "H7")]
[Collection(Alone.Name)]
public sealed class SlowClientTests : IDisposable
{
    private const int Slow = 300;
    private const int Others = 20;

    // A connection costs a few kilobytes, and one whose answer is not read keeps that answer; the rest is what serving the others takes.
    private const long MostBytes = 64L << 20;
    private const int MostThreads = 24;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly LoadFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Others_WhileHundredsAreSlow_AreServedAndTheHostDoesNotGrow()
    {
        Assert.SkipUnless(ProcessFigures.IsSupported, "What a process holds is read from /proc.");
        _folder.Write("workflows/echo.yaml", """
            name: echo
            input: { type: object, required: [text], properties: { text: { type: string } } }
            nodes: { say: { transform: "{{ input.text }}" } }
            output: "{{ nodes.say.output }}"
            """);
        _folder.Write("files/none.txt", "");
        await using var host = HostProcess.Start(_folder.Path);
        var address = await host.AddressAsync();
        await ServeOthersAsync(address);
        var large = await StartAsync(address, new string('x', 100_000));
        var before = host.Measure();

        var clients = await Task.WhenAll(Enumerable.Range(0, Slow).Select(_ => ConnectAsync(address)));
        try
        {
            var begun = Stopwatch.GetTimestamp();
            await Task.WhenAll(clients.Select((client, i) => SendAsync(client, Request(i, large))));
            await ServeOthersAsync(address);
            var meanwhile = host.Measure();
            var held = Stopwatch.GetElapsedTime(begun);

            // Some send a body that does not go on: they are told so by the limits of this host, 5 seconds and 1 KB a second.
            var answers = await Task.WhenAll(clients.Where((_, i) => i % 10 < 5).Select(ReadAsync));
            Assert.All(answers, answer => Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal));
            var cutOff = Stopwatch.GetElapsedTime(begun);
            await ServeOthersAsync(address);

            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{Slow} slow clients. Before: {before}\nAfter {held.TotalSeconds:0.0} s: {meanwhile}; {answers.Length} cut off after {cutOff.TotalSeconds:0.0} s"));
            Assert.True(meanwhile.OpenFiles.Count - before.OpenFiles.Count >= Slow / 2, $"The slow clients are not there: {before}, then {meanwhile}.");
            Assert.True(meanwhile.ResidentBytes - before.ResidentBytes <= MostBytes, $"Memory grew from {before} to {meanwhile}.");
            Assert.True(meanwhile.Threads - before.Threads <= MostThreads, $"Threads grew from {before} to {meanwhile}.");
            Assert.InRange(cutOff, TimeSpan.FromSeconds(4), Patience);
        }
        finally
        {
            Array.ForEach(clients, client => client.Dispose());
        }

        Assert.DoesNotContain(" fail: ", host.Said, StringComparison.Ordinal);
        Assert.Equal(0, await host.StopAsync());
    }

    // Unfinished bodies, unfinished headers, and many requests whose answers nobody reads.
    private static string Request(int i, string large) => (i % 10) switch
    {
        < 5 => "POST /api/workflows/echo/instances HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
        < 9 => "GET /api/instances HTTP/1.1\r\nHost: localhost\r\nX-Slow: a",
        _ => string.Concat(Enumerable.Repeat($"GET /api/instances/{large} HTTP/1.1\r\nHost: localhost\r\n\r\n", 100)),
    };

    private static Task ServeOthersAsync(Uri host) => Task.WhenAll(Enumerable.Range(0, Others).Select(i => StartAsync(host, $"other {i}")));

    private static async Task<string> StartAsync(Uri host, string text)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host, Timeout = Patience };
        using var response = await http.PostAsJsonAsync("api/workflows/echo/instances?wait=30", new JsonObject { ["input"] = new JsonObject { ["text"] = text } });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var status = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(text, status["output"]!.GetValue<string>());
        return status["instanceId"]!.GetValue<string>();
    }

    private static async Task<Socket> ConnectAsync(Uri host)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(host.Host, host.Port);
        return socket;
    }

    private static async Task SendAsync(Socket client, string text)
    {
        for (ReadOnlyMemory<byte> left = Encoding.ASCII.GetBytes(text); left.Length > 0;)
        {
            left = left[await client.SendAsync(left)..];
        }
    }

    private static async Task<string> ReadAsync(Socket client)
    {
        using var patience = new CancellationTokenSource(Patience);
        var buffer = new byte[4096];
        var read = await client.ReceiveAsync(buffer, patience.Token);
        return Encoding.ASCII.GetString(buffer, 0, read);
    }
}
