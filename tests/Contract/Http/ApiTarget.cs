using System.Net;
using System.Text;

namespace Polyphony.Contract.Http;

/// <summary>A host under test: a base address and a key. The host serves the workflows of samples/.</summary>
public sealed class ApiTarget : IDisposable
{
    public const string BaseUrlVariable = "POLYPHONY_BASE_URL";
    public const string ApiKeyVariable = "POLYPHONY_API_KEY";
    private readonly string? _apiKey;
    private DocumentedAnswers? _documented;

    public ApiTarget(Uri address, string? apiKey)
    {
        Address = address;
        _apiKey = apiKey;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(90) };
        if (apiKey is not null)
        {
            // The embedded host's header, and that of Azure Functions.
            Http.DefaultRequestHeaders.Add("X-API-Key", apiKey);
            Http.DefaultRequestHeaders.Add("x-functions-key", apiKey);
        }
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    /// <summary>Gets a value indicating whether something else may answer requests that no route of ours takes, as the host of Azure Functions does.</summary>
    public bool HasRouterInFront { get; private init; }

    /// <summary>The target that the environment names, if it names one.</summary>
    public static ApiTarget? FromEnvironment() => Environment.GetEnvironmentVariable(BaseUrlVariable) is { Length: > 0 } url
        ? new ApiTarget(new Uri(url), Environment.GetEnvironmentVariable(ApiKeyVariable)) { HasRouterInFront = true }
        : null;

    public static string NewId() => $"test-{Guid.NewGuid():N}";

    public async Task<ApiAnswer> GetAsync(string path, params (string Name, string Value)[] headers) => await SendAsync(HttpMethod.Get, path, null, headers);

    public async Task<ApiAnswer> PostAsync(string path, string? json = null, params (string Name, string Value)[] headers) =>
        await SendAsync(HttpMethod.Post, path, json, headers);

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? json, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await ReadAsync(request);
    }

    /// <summary>Starts an instance and returns its id.</summary>
    public async Task<string> StartAsync(string workflow, string input)
    {
        var answer = await PostAsync($"api/workflows/{workflow}/instances", $$"""{"input":{{input}}}""");
        Assert.Equal(202, (int)answer.Status);
        return answer.Json.GetProperty("id").GetString()!;
    }

    /// <summary>Starts "approval" and waits until it asks.</summary>
    public async Task<string> StartWaitingAsync(string workflow = "approval", string input = """{"topic":"new prices"}""")
    {
        var id = await StartAsync(workflow, input);
        await foreach (var sent in ReadStreamAsync(id, null))
        {
            if (sent.Type == "status" && sent.Json.TryGetProperty("customStatus", out var custom) && custom.GetProperty("waitingFor").GetArrayLength() > 0)
            {
                return id;
            }
        }

        throw new InvalidOperationException($"Instance {id} ended without asking.");
    }

    /// <summary>Reads server-sent events until the stream ends.</summary>
    public async IAsyncEnumerable<SentEvent> ReadStreamAsync(string id, string? lastEventId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"api/instances/{id}/stream");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Contains((int)response.StatusCode, (int[])[200, 204]);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        string type = "message", data = "";
        string? eventId = null;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.Length == 0)
            {
                if (data.Length > 0)
                {
                    yield return new SentEvent(type, eventId, data);
                }

                (type, data, eventId) = ("message", "", null);
            }
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                type = line[7..];
            }
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                eventId = line[4..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                data += line[6..];
            }
        }
    }

    public void Dispose() => Http.Dispose();

    /// <summary>A request with a body that is not JSON by name.</summary>
    public async Task<ApiAnswer> PostTextAsync(string path, string body, string? contentType)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        if (contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return await ReadAsync(request);
    }

    // Whatever a test sends, the answer is one that the document names.
    private async Task<ApiAnswer> ReadAsync(HttpRequestMessage request)
    {
        var answer = await ApiAnswer.ReadAsync(await Http.SendAsync(request));
        if (!HasRouterInFront)
        {
            // A client without a key does not get the document.
            if (_documented is null && await ApiAnswer.ReadAsync(await Http.GetAsync(new Uri("openapi/v1.json", UriKind.Relative))) is { Status: HttpStatusCode.OK } document)
            {
                _documented = new DocumentedAnswers(document.Json);
            }

            _documented?.Check(request.Method, request.RequestUri!.AbsolutePath, answer);
        }

        return answer;
    }

    /// <summary>The key's header for requests that are made by hand.</summary>
    public string KeyHeader => _apiKey is null ? "" : $"X-API-Key: {_apiKey}\r\nx-functions-key: {_apiKey}\r\n";
}

/// <summary>A server-sent event.</summary>
public sealed record SentEvent(string Type, string? Id, string Data)
{
    public System.Text.Json.JsonElement Json => System.Text.Json.JsonElement.Parse(Data);
}
