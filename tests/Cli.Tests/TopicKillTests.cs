using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Cli.Tests;

/// <summary>
/// The host is killed again and again while publishers send messages, each perhaps more than once, and handlers call a model: each message is handled once, in the order of its source, none is lost. The
/// model server counts.
/// </summary>
/// <remarks>POLYPHONY_SOURCES, POLYPHONY_MESSAGES and POLYPHONY_KILLS make it larger.</remarks>
[Trait("Row", "R4")]
[Trait("Row", "R5")]
[Trait("Row", "R6")]
[Trait("Row", "S2")]
[Trait("Row", "S4")]
public sealed class TopicKillTests : IDisposable
{
    private const int Publishers = 20;
    private const int Seed = 20261128;
    private static readonly int Sources = Number("POLYPHONY_SOURCES", 20);
    private static readonly int Messages = Number("POLYPHONY_MESSAGES", 6);
    private static readonly int Kills = Number("POLYPHONY_KILLS", 6);
    private static readonly TimeSpan LongestLife = TimeSpan.FromMilliseconds(1_500);

    private readonly DataFolder _folder = new();
    private volatile Uri? _address;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Host_KilledAgainAndAgain_HandlesEachMessageOnceAndInOrder()
    {
        var workflows = Path.GetDirectoryName(_folder.Write("workflows/desk.yaml", """
            name: desk
            models: { counted: { provider: openai, model: counted } }
            agents: { clerk: { model: counted, retry: { maxAttempts: 20, firstDelay: 100ms, maxDelay: 200ms } } }
            subscriptions:
              clerk:
                topic: tickets
                agent: clerk
                prompt: "{{ message.source + '/' + string(input.n) }}"
                state: { seen: append }
                write: { seen: "{{ string(input.n) }}" }
                publish: { topic: log, source: "{{ message.source }}", data: "{{ nodes.clerk.output }}" }
              log: { topic: log }
            state: { log: append }
            nodes: { keep: { transform: "{{ input }}", write: { log: "{{ output }}" } } }
            """))!;
        await using var model = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Text($"re {request.Prompt}") with { Takes = TimeSpan.FromMilliseconds(20) });
        string[] up = ["up", "--port", "0", "--workflows", workflows];
        (string, string)[] environment = [("OPENAI_BASE_URL", model.Endpoint.ToString()), ("OPENAI_API_KEY", "none")];
        var random = new Random(Seed);
        var publishing = Task.WhenAll(Enumerable.Range(0, Publishers).Select(PublishAsync));
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var host = ToolProcess.Start(_folder.Data, up, environment);
            _address = await AddressAsync(host);
            await Task.Delay(TimeSpan.FromTicks(random.NextInt64(LongestLife.Ticks)), TestContext.Current.CancellationToken);
            _address = null;
            host.Signal("KILL");
            await host.EndAsync();
        }

        await using var last = ToolProcess.Start(_folder.Data, up, environment);
        _address = await AddressAsync(last);
        await publishing;
        await CheckAsync(model);
    }

    private static async Task<Uri> AddressAsync(ToolProcess host) =>
        new((await host.SaysAsync("Ctrl-C stops it")).Split("serves ")[1].Split('\n')[0]);

    private static int Number(string variable, int fallback) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;

    /// <summary>Publishes the messages of some sources, in order, some of them twice; whatever fails is sent again.</summary>
    private async Task PublishAsync(int publisher)
    {
        using var http = new HttpClient();
        var random = new Random(Seed + publisher);
        for (var n = 1; n <= Messages; n++)
        {
            for (var source = publisher; source < Sources; source += Publishers)
            {
                for (var times = random.Next(1, 3); times > 0;)
                {
                    times -= await TryPublishAsync(http, source, n) ? 1 : 0;
                }
            }
        }
    }

    private async Task<bool> TryPublishAsync(HttpClient http, int source, int n)
    {
        if (_address is not { } address)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
            return false;
        }

        try
        {
            using var response = await http.PostAsJsonAsync(
                new Uri(address, $"api/topics/tickets/s{source}/messages"), new JsonObject { ["messageId"] = $"{n}", ["data"] = new JsonObject { ["n"] = n } }, TestContext.Current.CancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // The host has died: nobody knows whether the message was accepted.
            return false;
        }
    }

    private static IEnumerable<string?> Texts(JsonElement mailbox, string name) => mailbox.GetProperty("state").GetProperty(name).EnumerateArray().Select(text => text.GetString());

    private async Task CheckAsync(FakeOpenAIServer model)
    {
        using var http = new HttpClient { BaseAddress = _address };
        var expected = string.Join(' ', Enumerable.Range(1, Messages));
        long unsettled = 0;
        for (var source = 0; source < Sources; source++)
        {
            var handled = await UntilAsync(http, $"mailbox:desk.clerk:s{source}", mailbox => mailbox.GetProperty("state").GetProperty("seen").GetArrayLength() >= Messages);
            Assert.Equal((expected, 0), (string.Join(' ', Texts(handled, "seen")), handled.GetProperty("givenUp").GetInt32()));
            var logged = await UntilAsync(http, $"mailbox:desk.log:s{source}", mailbox => mailbox.GetProperty("handled").GetInt32() >= Messages);
            Assert.Equal(Enumerable.Range(1, Messages).Select(n => $"re s{source}/{n}"), Texts(logged, "log"));

            // The server has seen no message of a source after a later one.
            var seen = model.Requests.Select(request => request.Prompt.Split('/')).Where(prompt => prompt[0] == $"s{source}").Select(prompt => int.Parse(prompt[1], CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(seen.Order(), seen);
            Assert.Equal(Enumerable.Range(1, Messages), seen.Distinct());
            var status = JsonElement.Parse(await http.GetStringAsync($"api/mailboxes/mailbox:desk.clerk:s{source}"));
            Assert.Equal(Messages, status.GetProperty("usage").GetProperty("modelCalls").GetInt32());
            unsettled += seen.Count - Messages;
        }

        // What was asked twice had no recorded answer: at most what was under way at a kill.
        Assert.InRange(unsettled, 0, Kills * Sources);
        TestContext.Current.TestOutputHelper?.WriteLine($"{Sources * Messages} messages, {Kills} kills, {unsettled} calls made again because a kill came before their record.");
    }

    private static async Task<JsonElement> UntilAsync(HttpClient http, string id, Func<JsonElement, bool> condition)
    {
        while (true)
        {
            using var response = await http.GetAsync($"api/mailboxes/{id}", TestContext.Current.CancellationToken);
            if (response.IsSuccessStatusCode
                && JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)) is var mailbox && mailbox.TryGetProperty("state", out _) && condition(mailbox))
            {
                return mailbox;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
