using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Polyphony.Cli;
using Polyphony.Cli.Hosting;
using Polyphony.Contract.Http;

namespace Polyphony.Http.Tests;

/// <summary>Clients that send or read a byte at a time, against a host with low limits: each is cut off, and the others are served meanwhile.</summary>
[Trait("Row", "H1")]
[Trait("Row", "T4")]
public sealed class SlowClientTests : IAsyncLifetime
{
    private const string Start = "POST /api/workflows/hello/instances HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    private static readonly ConnectionLimits Limits = new()
    {
        HeaderTime = TimeSpan.FromSeconds(1.2),
        IdleTime = TimeSpan.FromSeconds(1.2),
        Grace = TimeSpan.FromSeconds(1.2),
        MinBytesPerSecond = 1_000_000,
    };

    // How long a test waits for what must happen; far more than it takes.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // How slow a slow client is.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("polyphony-slow-");
    private EmbeddedHost _host = null!;
    private ApiTarget _api = null!;

    public async ValueTask InitializeAsync()
    {
        var settings = CliSettings.Read(_data.FullName, _data.FullName, Path.Combine(HostFixture.Root, "samples"), false) with { ApiKey = null };
        _host = await EmbeddedHost.StartAsync(
            new HostOptions { Settings = settings, Connections = Limits, Heartbeat = TimeSpan.FromMilliseconds(200) }, TestContext.Current.CancellationToken);
        _api = new ApiTarget(_host.Address, null);
    }

    public async ValueTask DisposeAsync()
    {
        _api.Dispose();
        await _host.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task Requests_AByteAtATime_AreAnswered408AndClosed()
    {
        var (begun, instances) = (Stopwatch.GetTimestamp(), "GET /api/instances HTTP/1.1\r\nHost: localhost\r\n");
        var answers = await Task.WhenAll(
            TrickleAsync("G", "E"),
            TrickleAsync(instances + "X-Slow: ", "a"),
            TrickleAsync(instances, "X-Slow: a\r\n"),
            TrickleAsync(Start + "Content-Length: 1000\r\n\r\n{", " "),
            TrickleAsync(Start + "Content-Length: 1000\r\n\r\n{", ""),
            TrickleAsync(Start + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "1\r\n \r\n"),
            TrickleAsync("", ""));

        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.FromSeconds(1), Patience);
        foreach (var answer in answers[..^1])
        {
            Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
            Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        }

        // While the headers come there is no request yet that a handler could look at: the web server answers by itself.
        Assert.All(answers[..3], answer => Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal));
        foreach (var answer in answers[3..^1])
        {
            Assert.Contains("\r\nContent-Type: application/problem+json", answer, StringComparison.Ordinal);
            var problem = JsonElement.Parse(answer[answer.IndexOf('{', StringComparison.Ordinal)..(answer.LastIndexOf('}') + 1)]);
            Assert.Equal(("request_timeout", 408), (problem.GetProperty("code").GetString(), problem.GetProperty("status").GetInt32()));
        }

        // A connection without a request is closed without a word.
        Assert.Equal("", answers[^1]);
        Assert.Equal(0, (await _api.GetAsync("api/instances")).Json.GetArrayLength());
    }

    // Whoever is refused before the body was looked at gets the answer at once; the rest of the body is not waited for.
    [Fact]
    public async Task Request_RefusedBeforeItsBodyHasCome_IsAnsweredAtOnce()
    {
        using var client = await ConnectAsync();
        await SendAllAsync(client, "POST /api/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{");
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(Patience);
        var read = await client.ReceiveAsync(buffer, patience.Token);

        Assert.StartsWith("HTTP/1.1 404 ", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_ReadAByteAtATime_AreCutOff()
    {
        // More than the buffers of the system hold: requests are sent, and answers not read.
        const int requests = 400;
        var document = (await _api.GetAsync("openapi/v1.json")).Text.Length;
        using var client = await ConnectAsync();
        var sending = SendAllAsync(client, string.Concat(Enumerable.Repeat("GET /openapi/v1.json HTTP/1.1\r\nHost: localhost\r\n\r\n", requests)));
        using var pulse = new PeriodicTimer(Pause);
        using var patience = new CancellationTokenSource(Patience);
        long read = 0;
        while (!client.Poll(TimeSpan.Zero, SelectMode.SelectError))
        {
            read += await client.ReceiveAsync(new byte[1], patience.Token);
            await pulse.WaitForNextTickAsync(patience.Token);
        }

        await sending;
        var left = await ReadUntilResetAsync(client);
        Assert.InRange(read + left, 1, (long)document * requests - 1);
        Assert.Equal(200, (int)(await _api.GetAsync("healthz/ready")).Status);
    }

    [Fact]
    public async Task Others_WhileManyAreSlow_AreServedAndAStreamWithoutNewsGoesOn()
    {
        const int slow = 200;
        var id = await _api.StartWaitingAsync();
        await using var stream = _api.ReadStreamAsync(id, null).GetAsyncEnumerator();
        Assert.True(await stream.MoveNextAsync());

        var cutOff = Task.WhenAll(Enumerable.Range(0, slow).Select(i => i % 2 == 0
            ? TrickleAsync(Start + "Content-Length: 1000\r\n\r\n{", " ")
            : TrickleAsync("GET /api/instances HTTP/1.1\r\nX-Slow: ", "a")));
        var served = 0;
        do
        {
            var answer = await _api.PostAsync("api/workflows/hello/instances?wait=30", """{"input":{"name":"Ada"}}""");
            Assert.Equal("completed", answer.StopReason);
            served++;
        }
        while (!cutOff.IsCompleted);

        Assert.All(await cutOff, answer => Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal));
        Assert.InRange(served, 2, int.MaxValue);

        // All that time nothing but heartbeats went over the stream.
        await _api.PostAsync($"api/instances/{id}/events/answer:approve", """{"approved":true}""");
        var last = stream.Current;
        while (await stream.MoveNextAsync())
        {
            last = stream.Current;
        }

        Assert.Equal("end", last.Type);
    }

    private async Task<Socket> ConnectAsync()
    {
        // A small buffer, so that what is not read soon waits with the host.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(_host.Address.Host, _host.Address.Port);
        return socket;
    }

    // Sends the first text at once and the other again and again, until the host has closed the connection. Returns what the host said.
    private async Task<string> TrickleAsync(string first, string again)
    {
        using var client = await ConnectAsync();
        await SendAllAsync(client, first);
        var answer = ReadToEndAsync(client);
        using var pulse = new PeriodicTimer(Pause);
        while (!answer.IsCompleted && await pulse.WaitForNextTickAsync())
        {
            await SendAllAsync(client, again);
        }

        return await answer;
    }

    // The host may close while this sends: that is what is tested, and shows in what is read.
    private static async Task SendAllAsync(Socket client, string text)
    {
        try
        {
            for (ReadOnlyMemory<byte> left = Encoding.ASCII.GetBytes(text); left.Length > 0;)
            {
                left = left[await client.SendAsync(left)..];
            }
        }
        catch (SocketException)
        {
        }
    }

    private static async Task<string> ReadToEndAsync(Socket client)
    {
        using var patience = new CancellationTokenSource(Patience);
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await client.ReceiveAsync(buffer, patience.Token) is > 0 and var read)
            {
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            // Reset after the answer, since there is a byte that the host did not read.
        }

        return answer.ToString();
    }

    private static async Task<long> ReadUntilResetAsync(Socket client)
    {
        using var patience = new CancellationTokenSource(Patience);
        long all = 0;
        var buffer = new byte[64 * 1024];
        var reset = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (await client.ReceiveAsync(buffer, patience.Token) is > 0 and var read)
            {
                all += read;
            }
        });
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        return all;
    }
}
