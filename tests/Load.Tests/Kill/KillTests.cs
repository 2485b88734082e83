using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Engine;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Load.Tests.Kill;

/// <summary>
/// The real host is killed with SIGKILL at seeded moments while 50 instances of 20 model calls run against a model server outside of it, which misbehaves and
/// keeps its own count. In the end every instance has the right result, and the ledger says what the server says, but for the counted double payments.
/// </summary>
/// <remarks>The ledger is read with the engine itself, paused, once the last host has ended: there is no other process to ask then.</remarks>
[Trait("Row", "B2")]
[Trait("Row", "S7")]
[Trait("Row", "H9")]
[Trait("Row", "T3")]
[Trait("Row", "C9")]
public sealed class KillTests : IDisposable
{
    private const int Instances = 50;
    private const int StartsPerLife = 6;
    private const int Seed = 20261121;
    private const string KillsVariable = "POLYPHONY_KILLS";
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) is { Length: > 0 } kills ? kills : "100", CultureInfo.InvariantCulture);
    private static readonly TimeSpan LongestStart = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan LongestLife = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly LoadFolder _folder = new();
    private readonly Random _random = new(Seed);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Host_KilledWhileModelsAnswer_EveryInstanceEndsRightAndTheLedgerIsTheServersCount()
    {
        var begun = TimeProvider.System.GetTimestamp();
        var model = new DossierModel(Seed, Kills, Instances * Dossier.Calls);
        await using var server = await FakeOpenAIServer.StartAsync(model.Respond);
        server.Answered = model.Note;
        var settings = Dossier.Write(_folder, server.Endpoint);

        // The number of an instance, by its id as the host told it. A start whose host died is made again, under the same key.
        var ids = new ConcurrentDictionary<int, string>();
        var useful = 0;
        for (var life = 0; life < Kills; life++)
        {
            var before = model.Arrivals.Value;
            await LiveAndDieAsync(life, settings, model, ids);
            useful += model.Arrivals.Value > before ? 1 : 0;
        }

        var unfinished = await FinishAsync(settings, ids);
        Assert.True(useful >= Kills / 2, $"Only {useful} of {Kills} kills struck a host that called the model.");
        var report = await CheckLedgerAsync(server, model, ids);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Kills} kills ({useful} with calls made, {unfinished} instances left after the last), {ids.Count} instances, {model.Arrivals.Value} requests, {report}, misbehaved: {string.Join(", ", model.Errors.OrderBy(e => e.Key).Select(e => $"{e.Key} {e.Value}"))}; {TimeProvider.System.GetElapsedTime(begun).TotalSeconds:0} s."));
    }

    private async Task LiveAndDieAsync(int life, string settings, DossierModel model, ConcurrentDictionary<int, string> ids)
    {
        await using var host = HostProcess.Start(_folder.Path, Variables(settings, life));
        if (_random.Next(10) == 0)
        {
            // While it starts: reads the file, opens the port, hands out what was under way.
            await PassAsync(_random.NextDouble() * LongestStart);
            await host.KillAsync();
            return;
        }

        // Half of the kills come soon after an answer went out, where a payment can be lost; the others at any time once the model is called.
        var (struck, after) = _random.Next(2) == 0
            ? (model.Answers.MoreAsync(_random.Next(1, 16)), _random.NextDouble() * _random.NextDouble() * LongestLife)
            : (model.Arrivals.MoreAsync(1), _random.NextDouble() * LongestLife);
        var starts = StartAsync(await host.AddressAsync(), ids);
        await Task.WhenAny(struck, PassAsync(Patience));
        await PassAsync(after);
        await host.KillAsync();
        await starts;
    }

    // Starts some that were not accepted yet. The host may die meanwhile: then nobody knows whether they were.
    private static async Task StartAsync(Uri host, ConcurrentDictionary<int, string> ids)
    {
        using var http = Client(host);
        foreach (var n in Enumerable.Range(0, Instances).Where(n => !ids.ContainsKey(n)).Take(StartsPerLife).ToList())
        {
            try
            {
                ids[n] = await StartAsync(http, n);
            }
            catch (HttpRequestException e) when (e.StatusCode is null)
            {
                return;
            }
        }
    }

    private static async Task<string> StartAsync(HttpClient http, int n)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/workflows/dossier/instances")
        {
            Content = JsonContent.Create(new JsonObject { ["input"] = new JsonObject { ["n"] = n } }),
        };
        request.Headers.Add("Idempotency-Key", $"dossier-{n}");
        using var response = await http.SendAsync(request);
        var body = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.True(response.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.OK, body.GetRawText());
        return body.GetProperty(response.StatusCode == HttpStatusCode.OK ? "instanceId" : "id").GetString()!;
    }

    private async Task<int> FinishAsync(string settings, ConcurrentDictionary<int, string> ids)
    {
        await using var host = HostProcess.Start(_folder.Path, Variables(settings, Kills));
        using var http = Client(await host.AddressAsync());
        var unfinished = JsonElement.Parse(await http.GetStringAsync("api/instances?runtimeStatus=Running,Pending&top=1000")).GetArrayLength();
        for (var n = 0; n < Instances; n++)
        {
            ids[n] = await StartAsync(http, n);
            JsonElement status;
            do
            {
                status = JsonElement.Parse(await http.GetStringAsync($"api/instances/{ids[n]}?wait=60"));
            }
            while (!status.TryGetProperty("completedTime", out _));
            Assert.Equal("completed", status.TryGetProperty("stopReason", out var reason) ? reason.GetString() : status.GetRawText());
            Assert.Equal(Dossier.Output(ids[n], n), status.GetProperty("output").GetRawText());
            Assert.Equal(Dossier.Calls, status.GetProperty("usage").GetProperty("modelCalls").GetInt32());
        }

        // Repeated starts have started nothing else.
        var all = JsonElement.Parse(await http.GetStringAsync("api/instances?top=1000"));
        Assert.Equal(Instances, all.GetArrayLength());
        Assert.Equal(0, await host.StopAsync());
        return unfinished;
    }

    private async Task<string> CheckLedgerAsync(FakeOpenAIServer server, DossierModel model, ConcurrentDictionary<int, string> ids)
    {
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Database, Paused = true }, new DurableRegistry());
        long inputTokens = 0, outputTokens = 0, twice = 0;
        foreach (var (n, id) in ids)
        {
            var steps = Dossier.Steps(id, n);
            var all = await engine.Ledger.ListAsync(id);
            var entries = all.Where(entry => !entry.Request.IsToolCall).ToList();
            Assert.Equal(steps.Keys.Order(StringComparer.Ordinal), entries.Select(entry => entry.Request.StepId).Order(StringComparer.Ordinal));

            // The second call about a fact brings the result of the tool that the first has asked for: recorded as well, and no model call.
            var tools = all.Where(entry => entry.Request.IsToolCall).ToList();
            Assert.Equal(steps.Keys.Where(step => step.Contains("/facts[", StringComparison.Ordinal) && step.EndsWith("/2", StringComparison.Ordinal)).Select(step => $"{step[..^1]}1.0").Order(StringComparer.Ordinal), tools.Select(entry => entry.Request.StepId).Order(StringComparer.Ordinal));
            Assert.All(tools, entry => Assert.NotNull(entry.Answer));
            foreach (var entry in entries)
            {
                var step = entry.Request.StepId;
                twice += CheckStep(entry, steps[step], model.Books[step], [.. Enumerable.Range(0, Kills + 1).Select(life => server.Answers.GetValueOrDefault(DossierModel.CountedAs(step, life)))]);
                inputTokens += Dossier.Tokens(step).Input;
                outputTokens += Dossier.Tokens(step).Output;
            }
        }

        var totals = await engine.Ledger.GetTotalsAsync();
        Assert.Equal(Instances * Dossier.Calls, totals.Steps);
        Assert.Equal(totals.Steps + twice, server.Answers.Values.Sum());
        Assert.InRange(twice, 0, totals.Unsettled);
        Assert.Equal((inputTokens, outputTokens), (totals.InputTokens, totals.OutputTokens));
        Assert.Equal(((Dossier.InputPricePerMillion * inputTokens) + (Dossier.OutputPricePerMillion * outputTokens)) / 1_000_000m, totals.CostUsd);
        return string.Create(CultureInfo.InvariantCulture, $"{totals.Steps} answers recorded, {twice} paid twice, {totals.Unsettled} counted as unsettled");
    }

    /// <summary>Holds a step of the ledger against the server's book of it; returns how often it was paid beyond the first time.</summary>
    private static int CheckStep(LedgerEntry entry, string prompt, DossierModel.Book book, int[] answersByLife)
    {
        var answers = answersByLife.Sum();
        var said = string.Create(
            CultureInfo.InvariantCulture,
            $"{entry.Request.StepId}: begun {entry.Begun}, failed {entry.Failed}, unsettled {entry.Unsettled}; requests {book.Arrivals}, refused {book.Refused}, answers {answers}");
        Assert.True(entry.Answer is not null, said);
        Assert.Equal([prompt], book.Prompts);

        // A life of the host pays a step once at the most, and none once it was recorded.
        Assert.True(answersByLife.Max() == 1, said);
        Assert.True(book.LastArrival <= entry.AnsweredTime, said);

        // Nothing is asked that the ledger does not know of, and what may have been paid beyond the recorded answer is counted.
        Assert.True(book.Arrivals <= entry.Begun, said);
        Assert.True(answers - 1 <= entry.Unsettled, said);

        // What the ledger calls failed was refused by the server, or was not asked because the deployment had been told to pause: a killed host records no failure of its own.
        Assert.True(entry.Failed <= book.Refused + entry.Begun - book.Arrivals, said);
        return answers - 1;
    }

    // A kill is the one thing here that happens at a time and not on a condition.
    private static Task PassAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);

    private static HttpClient Client(Uri host) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host, Timeout = TimeSpan.FromSeconds(90) };

    private static (string, string)[] Variables(string settings, int life) =>
        // A host that lives for a second gains nothing from being profiled.
        [("POLYPHONY_SETTINGS", settings), ("LOAD_KEY", DossierModel.KeyOf(life)), ("DOTNET_TieredPGO", "0")];
}
