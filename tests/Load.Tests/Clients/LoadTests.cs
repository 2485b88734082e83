using System.Globalization;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Load.Tests.Clients;

/// <summary>Two hundred clients against the real host for a while: no error that is not theirs, and nothing grows.</summary>
[Trait("Row", "T2")]
[Trait("Row", "H1")]
[Trait("Row", "H2")]
[Trait("Row", "H7")]
[Collection(Alone.Name)]
public sealed class LoadTests : IDisposable
{
    private const int Clients = 200;
    private const string SecondsVariable = "POLYPHONY_LOAD_SECONDS";

    // What the host may grow by between the end of the warm-up and the end of the load. Its managed heap has a hard limit besides.
    private const long MostBytes = 128L << 20;
    private const int MostThreads = 24;

    // Thousands of connections and streams come and go: none may stay, but for one or two of the host's own to the model.
    private const int MostFiles = 4;

    // Of the connections that the data file is read over eight are kept. SQLite does not close a file of which the process has another lock, but takes it for the
    // next connection: so there are as many as threads ever read at once, and each has a log (-wal) only while it is kept. 30 to 240 s of load added 1 to 10.
    private const int MostDataFiles = 24 + 8;
    private const string HeapLimit = "0x10000000";

    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable(SecondsVariable) is { Length: > 0 } seconds ? seconds : "10", CultureInfo.InvariantCulture));

    private static readonly TimeSpan WarmUpTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly Dictionary<string, string> CloseConnection = new(StringComparer.Ordinal) { ["Connection"] = "close" };
    private readonly LoadFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clients_StartingPollingStreamingAndCancelling_GetTheirAnswersAndTheHostDoesNotGrow()
    {
        // The model's server closes each connection with its answer: what stays open in the host is the host's own, and does not hang on how many calls met.
        await using var model = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Text($"<{request.Prompt}>") with { Headers = CloseConnection });
        _folder.Write("workflows/relay.yaml", """
            name: relay
            input: { type: object, required: [text], properties: { text: { type: string } } }
            models: { m: { provider: openai, model: relay-model } }
            agents: { a: { model: m, context: [] } }
            nodes:
              first: { agent: a, prompt: "{{ input.text }}" }
              second: { agent: a, prompt: "{{ nodes.first.output }}" }
            output: "{{ nodes.second.output }}"
            """);
        _folder.Write("workflows/ask.yaml", """
            name: ask
            input: { type: object, required: [text], properties: { text: { type: string } } }
            nodes: { ask: { human: { prompt: "Who is {{ input.text }}?", timeout: 24h } } }
            """);
        _folder.Write("files/none.txt", "");
        await using var host = HostProcess.Start(
            _folder.Path, ("OPENAI_BASE_URL", model.Endpoint.ToString()), ("OPENAI_API_KEY", "none"), ("DOTNET_GCHeapHardLimit", HeapLimit));
        var address = await host.AddressAsync();

        var warmUp = await LoadAsync(address, "warm", WarmUpTime);
        var before = ProcessFigures.IsSupported ? await SettledAsync(host, most: 0) : null;
        var load = await LoadAsync(address, "load", LoadTime);
        var after = before is null ? null : await SettledAsync(host, Others(before).Count);

        Assert.DoesNotContain(" fail: ", host.Said, StringComparison.Ordinal);
        Assert.DoesNotContain(" crit: ", host.Said, StringComparison.Ordinal);
        Assert.Equal(0, await host.StopAsync());
        TestContext.Current.TestOutputHelper?.WriteLine($"{Clients} clients, {LoadTime.TotalSeconds} s after {WarmUpTime.TotalSeconds} s of warm-up. Warm-up: {Describe(warmUp)}\nLoad: {Describe(load)}\nBefore: {before}\nAfter: {after}\nFiles that came: {(before is null ? "" : after?.OpenFiles.GrownSince(before.OpenFiles))}");
        if (before is not null && after is not null)
        {
            Assert.True(after.ResidentBytes - before.ResidentBytes <= MostBytes, $"Memory grew from {before} to {after}.");
            Assert.True(after.Threads - before.Threads <= MostThreads, $"Threads grew from {before} to {after}.");
            AssertGrowth(MostFiles, Others(before), Others(after));
            AssertGrowth(MostDataFiles, before.OpenFiles.Where(IsData), after.OpenFiles.Where(IsData));
        }
    }

    private static async Task<List<(string Action, TimeSpan Took)>> LoadAsync(Uri host, string name, TimeSpan time)
    {
        var clients = Enumerable.Range(0, Clients).Select(i => new LoadClient(host, $"{name}-{i}", i)).ToList();
        try
        {
            await Task.WhenAll(clients.Select(client => client.RunAsync(time)));
            return [.. clients.SelectMany(client => client.Done)];
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static void AssertGrowth(int most, OpenFiles before, OpenFiles after) =>
        Assert.True(after.Count - before.Count <= most, $"Open files grew from {before.Count} to {after.Count}; at most {most} may come. These came: {after.GrownSince(before)}.");

    // Connections, pipes and the like. Assemblies come when they are first needed, or when the compiler looks into them again, and are not without end.
    private static OpenFiles Others(ProcessFigures figures) => figures.OpenFiles.Where(kind => !IsData(kind) && !kind.EndsWith(".dll", StringComparison.Ordinal) && !kind.EndsWith(".so", StringComparison.Ordinal));

    private static bool IsData(string kind) => kind.Contains("/data/polyphony.db", StringComparison.Ordinal);

    // Connections of clients that have gone are closed a little later. Waits until there are no more than given, or the number rests.
    private static async Task<ProcessFigures> SettledAsync(HostProcess host, int most)
    {
        var begun = TimeProvider.System.GetTimestamp();
        using var pulse = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        var figures = host.Measure();
        for (var rested = 0; Others(figures).Count > most && rested < 8 && TimeProvider.System.GetElapsedTime(begun) < Patience;)
        {
            await pulse.WaitForNextTickAsync();
            var next = host.Measure();
            rested = Others(next).Count == Others(figures).Count ? rested + 1 : 0;
            figures = next;
        }

        return figures;
    }

    private static string Describe(List<(string Action, TimeSpan Took)> done) => string.Join("; ", done.GroupBy(each => each.Action).OrderBy(group => group.Key).Select(group =>
    {
        var sorted = group.Select(each => each.Took.TotalMilliseconds).Order().ToArray();
        return string.Create(CultureInfo.InvariantCulture, $"{group.Key} {sorted.Length} (p50 {sorted[sorted.Length / 2]:0} ms, p99 {sorted[sorted.Length * 99 / 100]:0} ms, max {sorted[^1]:0} ms)");
    }));
}
