using Polyphony.Cli;
using Polyphony.Cli.Hosting;
using Polyphony.Contract.Http;
using Polyphony.Core.Durable;

namespace Polyphony.Http.Tests;

/// <summary>Limits on unfinished instances of the embedded host, which hold exactly.</summary>
public sealed class AdmissionTests : AdmissionContract
{
    private const string Approval = "api/workflows/approval/instances";

    [Fact]
    public async Task Starts_AtTheSameMoment_AreNeverMoreThanTheLimit()
    {
        await using var host = await StartAsync(new AdmissionLimits { MaxUnfinished = 20 });

        var answers = await StartManyAsync(host.Api, 200);

        Assert.Equal((20, 180), (answers.Count(each => (int)each.Status == 202), answers.Count(each => each is { Code: "queue_full" } && (int)each.Status == 429)));
        Assert.Equal((20, 20), await CountAsync(host.Api));

        // As many come in as go out.
        foreach (var ended in answers.Where(each => (int)each.Status == 202).Take(5).Select(each => each.Json.GetProperty("id").GetString()!))
        {
            await AnswerAsync(host.Api, ended);
        }

        Assert.Equal(5, (await StartManyAsync(host.Api, 30)).Count(each => (int)each.Status == 202));
        Assert.Equal((20, 20), await CountAsync(host.Api));
    }

    [Fact]
    public async Task Starts_AfterAnotherHostHasTakenTheFolder_CountWhatItLeft()
    {
        using var folder = new TemporaryData();
        await using (var before = await AdmissionHost.StartAsync(folder.Path, new AdmissionLimits { MaxUnfinished = 2 }))
        {
            await before.Api.StartWaitingAsync();
            await before.Api.StartWaitingAsync();
        }

        await using var host = await AdmissionHost.StartAsync(folder.Path, new AdmissionLimits { MaxUnfinished = 3 });

        Assert.Equal((2, 2), await CountAsync(host.Api));
        Assert.Equal([202, 429], new[] { await StartOneAsync(host.Api), await StartOneAsync(host.Api) }.Select(answer => (int)answer.Status));
    }

    [Fact]
    public async Task Starts_OfADefinitionInTheRequest_CountForTheWorkflowOfItsName()
    {
        await using var host = await StartAsync(new AdmissionLimits { PerWorkflow = new Dictionary<string, int>(StringComparer.Ordinal) { ["waits"] = 1 } });
        const string Waits = """{"definition":{"name":"waits","nodes":{"n":{"wait":{"event":"go"}}}}}""";

        Assert.Equal(202, (int)(await host.Api.PostAsync("api/instances", Waits)).Status);
        Assert.Equal((429, "queue_full"), await host.Api.PostAsync("api/instances", Waits) is var refused ? ((int)refused.Status, refused.Code) : default);
    }

    [Theory]
    [InlineData("many", null, "POLYPHONY_MAX_UNFINISHED_INSTANCES must be a whole number from 1; found \"many\".")]
    [InlineData("0", null, "MaxUnfinishedInstances must be 1 or more; found 0.")]
    [InlineData(null, "review", "POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW must name workflows with whole numbers from 1, such as review=10,report=2; found \"review\".")]
    [InlineData(null, "a=1, a=2", "POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW names the workflow \"a\" twice. Keep one of the two.")]
    [InlineData(null, "a=-1", "MaxUnfinishedPerWorkflow of \"a\" must be 1 or more; found -1.")]
    public async Task Host_WithLimitsThatAreNone_DoesNotStart(string? all, string? workflows, string problem)
    {
        using var folder = new TemporaryData();
        var settings = AdmissionHost.Settings(folder.Path) with { MaxUnfinishedInstances = all, MaxUnfinishedPerWorkflow = workflows };

        var invalid = await Assert.ThrowsAsync<CliException>(() => EmbeddedHost.StartAsync(new HostOptions { Settings = settings }, TestContext.Current.CancellationToken));

        Assert.Equal((ExitCodes.Invalid, problem), (invalid.ExitCode, invalid.Message));
    }

    protected override async Task<IAdmissionHost> StartAsync(AdmissionLimits limits)
    {
        var folder = new TemporaryData();
        return await AdmissionHost.StartAsync(folder.Path, limits, folder);
    }

    private static Task<ApiAnswer> StartOneAsync(ApiTarget api) => api.PostAsync(Approval, """{"input":{"topic":"new prices"}}""");

    private static Task<ApiAnswer[]> StartManyAsync(ApiTarget api, int count) => Task.WhenAll(Enumerable.Range(0, count).Select(_ => StartOneAsync(api)));

    private static async Task<(int Unfinished, int Admitted)> CountAsync(ApiTarget api)
    {
        var queue = (await api.GetAsync("api/queue")).Json;
        return (queue.GetProperty("unfinished").GetInt32(), queue.GetProperty("admitted").GetInt32());
    }

    private sealed class TemporaryData : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-admission-");

        public string Path => _folder.FullName;

        public void Dispose() => _folder.Delete(recursive: true);
    }

    private sealed class AdmissionHost(EmbeddedHost host, IDisposable? folder) : IAdmissionHost
    {
        public ApiTarget Api { get; } = new(host.Address, null);

        public static CliSettings Settings(string folder) => CliSettings.Read(folder, null, Path.Combine(HostFixture.Root, "samples"), false) with { ApiKey = null };

        public static async Task<AdmissionHost> StartAsync(string data, AdmissionLimits limits, IDisposable? folder = null)
        {
            var settings = Settings(data) with
            {
                MaxUnfinishedInstances = limits.MaxUnfinished?.ToString(System.Globalization.CultureInfo.InvariantCulture),
                MaxUnfinishedPerWorkflow = string.Join(',', limits.PerWorkflow.Select(pair => $"{pair.Key}={pair.Value}")),
            };
            return new AdmissionHost(await EmbeddedHost.StartAsync(new HostOptions { Settings = settings }, TestContext.Current.CancellationToken), folder);
        }

        public async ValueTask DisposeAsync()
        {
            Api.Dispose();
            await host.DisposeAsync();
            folder?.Dispose();
        }
    }
}
