using System.Net;
using System.Net.Sockets;
using System.Text;
using Polyphony.Cli;
using Polyphony.Cli.Hosting;
using Polyphony.Contract.Http;

namespace Polyphony.Http.Tests;

/// <summary>Who gets in.</summary>
[Trait("Row", "H9")]
public sealed class AccessTests(HostFixture shared) : IAsyncLifetime
{
    private const string Key = "a-key-of-this-test";
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("polyphony-access-");
    private EmbeddedHost _locked = null!;

    public async ValueTask InitializeAsync()
    {
        var settings = CliSettings.Read(_data.FullName, null, _data.FullName, false) with { ApiKey = Key };
        _locked = await EmbeddedHost.StartAsync(new HostOptions { Settings = settings }, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _locked.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Theory]
    [InlineData(null, null, 401)]
    [InlineData("X-API-Key", "another key", 401)]
    [InlineData("X-API-Key", "", 401)]
    [InlineData("Authorization", "Basic YTpi", 401)]
    [InlineData("X-API-Key", Key, 200)]
    [InlineData("Authorization", "Bearer " + Key, 200)]
    public async Task Request_WithAndWithoutTheKey_IsLetInOrNot(string? header, string? value, int status)
    {
        using var api = new ApiTarget(_locked.Address, null);

        var answer = await api.GetAsync("api/instances", header is null ? [] : [(header, value!)]);

        Assert.Equal(status, (int)answer.Status);
        if (status == 401)
        {
            Assert.Equal("unauthorized", answer.Code);
            Assert.Equal("Bearer", answer.Headers["WWW-Authenticate"]);
        }
    }

    [Fact]
    public async Task Health_WithoutTheKey_Answers()
    {
        using var api = new ApiTarget(_locked.Address, null);

        Assert.Equal(200, (int)(await api.GetAsync("healthz/live")).Status);
        Assert.Equal(200, (int)(await api.GetAsync("healthz/ready")).Status);
    }

    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("LOCALHOST:7071", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("[::1]:80", 200)]
    [InlineData("evil.example", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("10.0.0.1", 403)]
    public async Task Request_ByAnotherName_IsRefusedOnLoopback(string name, int status) =>
        Assert.Equal(status, await AskAsync($"GET /healthz/live HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"));

    [Theory]
    [InlineData("http://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("http://localhost:7071", 200)]
    public async Task Request_FromAPageOfAnotherSite_IsRefused(string origin, int status) =>
        Assert.Equal(status, await AskAsync($"GET /api/workflows HTTP/1.1\r\nHost: localhost:7071\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"));

    private async Task<int> AskAsync(string request)
    {
        Assert.SkipUnless(ApiTarget.FromEnvironment() is null, "The host under test need not be on loopback.");
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, shared.Api.Address.Port, TestContext.Current.CancellationToken);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
        return int.Parse(line!.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
