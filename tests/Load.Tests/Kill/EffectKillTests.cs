using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polyphony.Load.Tests.Kill;

/// <summary>
/// A real app is killed with SIGKILL while its tools charge at a server outside of it. In the end everything was charged once, but for what was declared idempotent: the server counts.
/// A person is asked by the HTTP API about the calls that may have happened, looks at the server's books, and answers.
/// </summary>
[Trait("Row", "B9")]
[Trait("Row", "O12")]
[Trait("Row", "S7")]
public sealed class EffectKillTests : IDisposable
{
    private const int Seed = 20261128;
    private const int Instances = 4;
    private const int Kills = 4;
    private const int CallsPerInstance = 4;

    private readonly LoadFolder _folder = new();
    private readonly Random _random = new(Seed);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task App_KilledWhileItsToolsCharge_ChargesOnceAndAsksWhereItCannotKnow()
    {
        await using var server = await EffectServer.StartAsync();
        _folder.Write("workflows/charges.yaml", EffectApp.Workflow);
        var never = new TaskCompletionSource();
        server.Before = () => never.Task;

        // Killed with every call in the middle: charged, and not answered.
        await using (var app = HostProcess.StartApp(_folder.Path, EffectApp.Command, _folder.Path, server.Address.ToString()))
        {
            using var http = Client(await app.AddressAsync());
            var all = server.Arrivals.MoreAsync(CallsPerInstance);
            await StartAsync(http, 0);
            await all.WaitAsync(TimeSpan.FromSeconds(60));
            await app.KillAsync();
        }

        server.Before = () => Task.CompletedTask;
        await using (var app = HostProcess.StartApp(_folder.Path, EffectApp.Command, _folder.Path, server.Address.ToString()))
        {
            using var http = Client(await app.AddressAsync());
            var questions = await QuestionsAsync(http, 2);
            Assert.Equal(["plain[0].charge.doubt2", "plain[1].charge.doubt2"], questions.Select(each => each.GetProperty("activation").GetString()).Order(StringComparer.Ordinal));
            Assert.All(questions, each => Assert.Equal(("charge", """{"n":0}"""), (each.GetProperty("tool").GetString(), each.GetProperty("arguments").GetRawText())));
            Assert.Equal(CallsPerInstance, server.Charges.Count);
        }

        // And at random moments, while answers take a while.
        server.Before = () => Task.Delay(TimeSpan.FromMilliseconds(_random.Next(30)), TimeProvider.System);
        for (var life = 1; life <= Kills; life++)
        {
            await using var app = HostProcess.StartApp(_folder.Path, EffectApp.Command, _folder.Path, server.Address.ToString());
            using var http = Client(await app.AddressAsync());
            var some = server.Arrivals.MoreAsync(_random.Next(1, 4));
            await StartAsync(http, life % Instances);
            await Task.WhenAny(some, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System));
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(20)), TimeProvider.System);
            await app.KillAsync();
        }

        var asked = await FinishAsync(server);
        Assert.Equal(Instances * CallsPerInstance, server.Charges.Count);
        Assert.All(server.Charges.Where(each => !each.Key.EndsWith("/repeated", StringComparison.Ordinal)), each => Assert.Equal(1, each.Value));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Kills + 1} kills, {server.Charges.Count} effects, {asked} questions, {server.Charges.Values.Sum() - server.Charges.Count} repeated by idempotent tools"));
    }

    /// <summary>Answers every question by the server's books until all instances have ended.</summary>
    private async Task<int> FinishAsync(EffectServer server)
    {
        await using var app = HostProcess.StartApp(_folder.Path, EffectApp.Command, _folder.Path, server.Address.ToString());
        using var http = Client(await app.AddressAsync());
        var ids = new List<string>();
        for (var n = 0; n < Instances; n++)
        {
            ids.Add(await StartAsync(http, n));
        }

        var answered = new HashSet<string>(StringComparer.Ordinal);
        while (JsonElement.Parse(await http.GetStringAsync("api/instances?runtimeStatus=Running,Pending&top=100")).GetArrayLength() > 0)
        {
            foreach (var question in await QuestionsAsync(http, 0))
            {
                var key = question.GetProperty("effectKey").GetString()!;
                object answer = server.Charges.ContainsKey(key) ? new { decision = "happened", result = $"charged {key}" } : new { decision = "repeat" };
                using var response = await http.PostAsJsonAsync(question.GetProperty("answerPostUri").GetString(), answer);
                Assert.True(response.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.NotFound or HttpStatusCode.Gone or HttpStatusCode.Conflict, $"{response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                answered.Add($"{question.GetProperty("instanceId")} {question.GetProperty("activation")}");
            }
        }

        foreach (var id in ids)
        {
            var status = JsonElement.Parse(await http.GetStringAsync($"api/instances/{id}"));
            Assert.Equal("completed", status.TryGetProperty("stopReason", out var reason) ? reason.GetString() : status.GetRawText());
            Assert.Equal(
                $$"""{"plain":["charged {{id}}/plain[0]","charged {{id}}/plain[1]"],"checked":"charged {{id}}/checked","repeated":"charged {{id}}/repeated"}""",
                status.GetProperty("output").GetRawText());
        }

        return answered.Count;
    }

    private static async Task<string> StartAsync(HttpClient http, int n)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/workflows/charges/instances")
        {
            Content = JsonContent.Create(new JsonObject { ["input"] = new JsonObject { ["n"] = n } }),
        };
        request.Headers.Add("Idempotency-Key", $"charges-{n}");
        using var response = await http.SendAsync(request);
        var body = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.True(response.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.OK, body.GetRawText());
        return body.GetProperty(response.StatusCode == HttpStatusCode.OK ? "instanceId" : "id").GetString()!;
    }

    private static async Task<List<JsonElement>> QuestionsAsync(HttpClient http, int least)
    {
        while (true)
        {
            var questions = JsonElement.Parse(await http.GetStringAsync("api/approvals")).EnumerateArray().ToList();
            if (questions.Count >= least)
            {
                return questions;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    private static HttpClient Client(Uri host) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host, Timeout = TimeSpan.FromSeconds(90) };
}
