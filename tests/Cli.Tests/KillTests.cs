using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Ledger;
using Polyphony.Engine;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Cli.Tests;

/// <summary>The host is killed at random moments, again and again, while instances call a model; in the end nothing is lost and nothing paid twice unseen.</summary>
/// <remarks>By the tool's own commands and with one instance a life. The hundred kills under load, with a model that misbehaves, are those of Load.Tests.</remarks>
[Trait("Row", "T3")]
[Trait("Row", "S7")]
[Trait("Row", "B2")]
[Trait("Row", "H9")]
public sealed class KillTests : IDisposable
{
    private const string KillsVariable = "POLYPHONY_KILLS";
    private const int StartsPerRound = 1;
    private const int Items = 6;
    private const int Seed = 20261121;
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) is { Length: > 0 } kills ? kills : "25", CultureInfo.InvariantCulture);
    private static readonly TimeSpan LongestLife = TimeSpan.FromMilliseconds(600);
    private static readonly TimeSpan ModelTime = TimeSpan.FromMilliseconds(60);

    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Host_KilledAgainAndAgain_EveryInstanceEndsRightAndNoRecordedCallIsPaidAgain()
    {
        var workflows = Path.GetDirectoryName(_folder.Write("workflows/calls.yaml", """
            name: calls
            input: { type: object, required: [n], properties: { n: { type: integer } } }
            limits: { maxConcurrency: 3 }
            models: { counted: { provider: openai, model: counted } }
            agents: { caller: { model: counted, context: [], retry: { maxAttempts: 20, firstDelay: 100ms, maxDelay: 200ms } } }
            nodes:
              first: { agent: caller, prompt: "{{ input.n }}/first" }
              each: { agent: caller, forEach: "{{ [0, 1, 2, 3, 4, 5] }}", prompt: "{{ input.n }}/each/{{ item }}" }
              last: { agent: caller, prompt: "{{ input.n }}/last" }
              all: { transform: { first: "{{ nodes.first.output }}", each: "{{ nodes.each.output }}", last: "{{ nodes.last.output }}" } }
            edges: ["first -> each -> last -> all"]
            output: "{{ nodes.all.output }}"
            """))!;
        await using var model = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Text($"answer to {request.Prompt}") with { Takes = ModelTime });
        string[] up = ["up", "--port", "0", "--workflows", workflows];
        (string, string)[] environment = [("OPENAI_BASE_URL", model.Endpoint.ToString()), ("OPENAI_API_KEY", "none")];

        var random = new Random(Seed);
        var accepted = new Dictionary<string, int>(StringComparer.Ordinal);
        var started = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var host = ToolProcess.Start(_folder.Data, up, environment);

            // Some die before they serve, most while they do.
            var serving = kill % 10 == 0 ? null : await AddressAsync(host);
            if (serving is not null)
            {
                for (var i = 0; i < StartsPerRound; i++)
                {
                    await StartAsync(serving, $"run-{started}", started, accepted);
                    started++;
                }
            }

            await Task.Delay(TimeSpan.FromTicks(random.NextInt64(LongestLife.Ticks)), TestContext.Current.CancellationToken);
            host.Signal("KILL");
            await host.EndAsync();
        }

        await using (var host = ToolProcess.Start(_folder.Data, up, environment))
        {
            await CheckResultsAsync(await AddressAsync(host), accepted);
        }

        Assert.True(accepted.Count >= Kills / 2, $"Only {accepted.Count} starts were accepted.");
        await CheckPaymentsAsync(model, accepted);
    }

    private static async Task<Uri> AddressAsync(ToolProcess host) =>
        new((await host.SaysAsync("Ctrl-C stops it")).Split("serves ")[1].Split('\n')[0]);

    private static async Task StartAsync(Uri host, string id, int number, Dictionary<string, int> accepted)
    {
        using var http = new HttpClient { BaseAddress = host };
        using var response = await http.PostAsJsonAsync("api/workflows/calls/instances", new JsonObject { ["instanceId"] = id, ["input"] = new JsonObject { ["n"] = number } });
        response.EnsureSuccessStatusCode();
        accepted.Add(id, number);
    }

    private static async Task CheckResultsAsync(Uri host, Dictionary<string, int> accepted)
    {
        using var http = new HttpClient { BaseAddress = host };
        foreach (var (id, n) in accepted)
        {
            var status = JsonElement.Parse(await http.GetStringAsync($"api/instances/{id}?wait=60"));
            Assert.Equal("completed", status.TryGetProperty("stopReason", out var reason) ? reason.GetString() : status.GetRawText());
            var output = status.GetProperty("output");
            Assert.Equal($"answer to {n}/first", output.GetProperty("first").GetString());
            Assert.Equal(Enumerable.Range(0, Items).Select(item => $"answer to {n}/each/{item}"), output.GetProperty("each").EnumerateArray().Select(each => each.GetString()));
            Assert.Equal($"answer to {n}/last", output.GetProperty("last").GetString());
        }
    }

    // The model's own count against the ledger: what was recorded is never asked for again, and what may have been paid twice is counted.
    private async Task CheckPaymentsAsync(FakeOpenAIServer model, Dictionary<string, int> accepted)
    {
        await using var engine = await EmbeddedEngine.StartAsync(
            new EngineOptions { Path = _folder.Database, Paused = true }, new Core.Durable.DurableRegistry(), TestContext.Current.CancellationToken);
        var paidTwice = 0;
        foreach (var (id, n) in accepted)
        {
            var entries = await engine.Ledger.ListAsync(id, TestContext.Current.CancellationToken);
            Assert.Equal(Items + 2, entries.Count);
            foreach (var entry in entries)
            {
                var answers = model.Answers[PromptOf(entry, n)];
                Assert.NotNull(entry.Answer);
                Assert.InRange(answers, 1, 1 + entry.Unsettled);
                paidTwice += answers - 1;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{accepted.Count} instances, {model.Answers.Values.Sum()} answers, {paidTwice} of them paid twice and counted as unsettled."));
    }

    // A step is named INSTANCE/ACTIVATION/CALL; the prompts of this workflow follow from the activation.
    private static string PromptOf(LedgerEntry entry, int n)
    {
        var activation = entry.Request.StepId.Split('/')[1];
        return activation.StartsWith("each[", StringComparison.Ordinal) ? $"{n}/each/{activation[5..^1]}" : $"{n}/{activation}";
    }
}
