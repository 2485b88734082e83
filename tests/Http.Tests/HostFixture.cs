using Polyphony.Cli;
using Polyphony.Cli.Hosting;
using Polyphony.Contract.Http;
using Polyphony.TestKit;

namespace Polyphony.Http.Tests;

/// <summary>The host under test: the one that the environment names, or an embedded one on a folder of its own.</summary>
public sealed class HostFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("polyphony-http-");
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("polyphony-files-");
    private EmbeddedHost? _host;

    /// <summary>The folder that the embedded host's file tools read.</summary>
    public string Files => _files.FullName;

    public ApiTarget Api { get; private set; } = null!;

    public static string Root => Repository.Root;

    public async ValueTask InitializeAsync()
    {
        if (ApiTarget.FromEnvironment() is { } named)
        {
            Api = named;
            return;
        }

        var settings = CliSettings.Read(_data.FullName, Files, Path.Combine(Root, "samples"), false) with { ApiKey = null };
        _host = await EmbeddedHost.StartAsync(new HostOptions { Settings = settings }, TestContext.Current.CancellationToken);
        Api = new ApiTarget(_host.Address, null);
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        _data.Delete(recursive: true);
        _files.Delete(recursive: true);
    }
}
