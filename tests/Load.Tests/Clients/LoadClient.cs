using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polyphony.Load.Tests.Clients;

/// <summary>One of many clients, with connections of its own. Each of its actions checks everything that it is told.</summary>
internal sealed class LoadClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly Random _random;
    private readonly string _name;

    public LoadClient(Uri host, string name, int seed)
    {
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host, Timeout = TimeSpan.FromSeconds(100) };
        _random = new Random(seed);
        _name = name;
    }

    /// <summary>Gets how long each action took, by its name.</summary>
    public List<(string Action, TimeSpan Took)> Done { get; } = [];

    /// <summary>Acts again and again until the time is up; what is under way then is brought to its end.</summary>
    public async Task RunAsync(TimeSpan time)
    {
        var begun = TimeProvider.System.GetTimestamp();
        for (var round = 0; TimeProvider.System.GetElapsedTime(begun) < time; round++)
        {
            var from = TimeProvider.System.GetTimestamp();
            var action = _random.Next(5);
            var text = $"{_name}-{round}";
            await (action switch
            {
                0 => StartAndWaitAsync(text),
                1 => PollAsync(text),
                2 => StreamAsync(text),
                3 => CancelAsync(),
                _ => ErrAsync(text),
            });
            Done.Add((((string[])["start", "poll", "stream", "cancel", "err"])[action], TimeProvider.System.GetElapsedTime(from)));
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task StartAndWaitAsync(string text)
    {
        var (status, body) = await PostAsync("api/workflows/relay/instances?wait=60", Input(text));
        Assert.Equal(HttpStatusCode.OK, status);
        CheckResult(body, text);
    }

    // Starts twice under one key, as a client does that saw no answer to the first.
    private async Task PollAsync(string text)
    {
        var (status, body) = await PostAsync("api/workflows/relay/instances", Input(text), text);
        Assert.Equal(HttpStatusCode.Accepted, status);
        var id = body.GetProperty("id").GetString();
        var (again, repeated) = await PostAsync("api/workflows/relay/instances", Input(text), text);
        Assert.Equal(id, repeated.GetProperty(again == HttpStatusCode.OK ? "instanceId" : "id").GetString());
        do
        {
            (status, body) = await GetAsync($"api/instances/{id}?wait=5");
        }
        while (status == HttpStatusCode.Accepted);
        Assert.Equal(HttpStatusCode.OK, status);
        CheckResult(body, text);
    }

    // Drops the connection after a few events and comes back, as browsers do. The history must come whole, in order and once.
    private async Task StreamAsync(string text)
    {
        var (status, body) = await PostAsync("api/workflows/relay/instances", Input(text));
        Assert.Equal(HttpStatusCode.Accepted, status);
        var id = body.GetProperty("id").GetString();
        string? last = null;
        List<long> sequences = [];
        JsonElement? final = null;
        for (var isOver = false; !isOver;)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"api/instances/{id}/stream");
            if (last is not null)
            {
                request.Headers.Add("Last-Event-ID", last);
            }

            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if (response.StatusCode == HttpStatusCode.NoContent)
            {
                break;
            }

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            await using var stream = await response.Content.ReadAsStreamAsync();
            var left = _random.Next(1, 12);
            await foreach (var sent in SseParser.Create(stream).EnumerateAsync())
            {
                last = sent.EventId ?? last;
                isOver = sent.EventType == "end";
                if (sent.EventType == "history")
                {
                    sequences.Add(JsonElement.Parse(sent.Data).GetProperty("sequence").GetInt64());
                }
                else if (sent.EventType == "status")
                {
                    final = JsonElement.Parse(sent.Data);
                }

                if (isOver || --left == 0)
                {
                    break;
                }
            }
        }

        CheckResult(final ?? throw new InvalidOperationException($"No status came for {id}."), text);
        var (_, history) = await GetAsync($"api/instances/{id}/history");
        Assert.Equal(history.GetProperty("events").EnumerateArray().Select(each => each.GetProperty("sequence").GetInt64()), sequences);
    }

    private async Task CancelAsync()
    {
        var (status, body) = await PostAsync("api/workflows/ask/instances", Input("anybody"));
        Assert.Equal(HttpStatusCode.Accepted, status);
        var id = body.GetProperty("id").GetString();
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync($"api/instances/{id}/terminate?reason=load", null)).Status);
        (status, body) = await GetAsync($"api/instances/{id}?wait=60");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("cancelled", body.GetProperty("stopReason").GetString());
        Assert.Equal(HttpStatusCode.Gone, (await PostAsync($"api/instances/{id}/terminate", null)).Status);
        using var removed = await _http.DeleteAsync($"api/instances/{id}");
        Assert.Equal(HttpStatusCode.OK, removed.StatusCode);
    }

    // Errors that are the client's are told as such.
    private async Task ErrAsync(string text)
    {
        var (status, body) = await GetAsync($"api/instances/{text}");
        Assert.Equal((HttpStatusCode.NotFound, "instance_not_found"), (status, body.GetProperty("code").GetString()));
        (status, body) = await PostAsync("api/workflows/relay/instances", new JsonObject { ["input"] = new JsonObject { ["text"] = 7 } });
        Assert.Equal((HttpStatusCode.BadRequest, "input_invalid"), (status, body.GetProperty("code").GetString()));
    }

    private static void CheckResult(JsonElement status, string text)
    {
        Assert.Equal("completed", status.TryGetProperty("stopReason", out var reason) ? reason.GetString() : status.GetRawText());
        Assert.Equal($"<<{text}>>", status.GetProperty("output").GetString());
    }

    private static JsonObject Input(string text) => new() { ["input"] = new JsonObject { ["text"] = text } };

    private async Task<(HttpStatusCode Status, JsonElement Body)> GetAsync(string path)
    {
        using var response = await _http.GetAsync(path);
        return (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync()));
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, JsonObject? json, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = json is null ? null : JsonContent.Create(json) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await _http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, body.Length == 0 ? default : JsonElement.Parse(body));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_name}: {Done.Count} actions");
}
