using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Http;
using Polyphony.Http.Approvals;
using Polyphony.Http.Instances;
using Polyphony.Http.Ledger;
using Polyphony.Http.Problems;
using Polyphony.Http.Schedules;
using Polyphony.Http.Serialization;
using Polyphony.Http.Topics;

namespace Polyphony.Cli.Sessions;

/// <summary>Speaks to a host over HTTP, in this process or another.</summary>
internal sealed class HostClient : IDisposable
{
    private readonly HttpClient _http;

    public HostClient(Uri address, string? apiKey, string? ownerToken)
    {
        // Hosts are on this machine: no proxy stands between.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (apiKey is not null)
        {
            _http.DefaultRequestHeaders.Add("X-API-Key", apiKey);
        }

        if (ownerToken is not null)
        {
            _http.DefaultRequestHeaders.Add(PolyphonyHttpOptions.OwnerHeader, ownerToken);
        }
    }

    public Uri Address => _http.BaseAddress!;

    public void Dispose() => _http.Dispose();

    /// <summary>Determines whether the host answers.</summary>
    public async Task<bool> IsLiveAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            using var response = await _http.GetAsync("healthz/live", timeout.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public async Task StartAsync(StartDefinition start, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(start, HttpJsonContext.Default.StartDefinition);
        using var response = await SendAsync(HttpMethod.Post, "api/instances", content, cancellationToken);
    }

    public async Task<InstanceStatus?> FindAsync(string id, string query, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Get, $"{Path(id)}?{query}", null, cancellationToken);
            return await ReadAsync(response, HttpJsonContext.Default.InstanceStatus, cancellationToken);
        }
        catch (HostProblemException e) when (e.Problem.Code == "instance_not_found")
        {
            return null;
        }
    }

    public async Task<InstanceStatus> GetAsync(string id, string query, CancellationToken cancellationToken) =>
        await FindAsync(id, query, cancellationToken) ?? throw CliException.Invalid($"No instance \"{id}\" is known on this data folder.");

    /// <summary>Lists instances, newest first, page by page.</summary>
    public async IAsyncEnumerable<InstanceStatus> ListAsync(string query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? token = null;
        do
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"api/instances?{query}");
            if (token is not null)
            {
                request.Headers.Add(InstanceHandlers.ContinuationHeader, token);
            }

            using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
            token = response.Headers.TryGetValues(InstanceHandlers.ContinuationHeader, out var values) ? values.First() : null;
            foreach (var status in await ReadAsync(response, HttpJsonContext.Default.ListInstanceStatus, cancellationToken))
            {
                yield return status;
            }
        }
        while (token is not null);
    }

    /// <summary>Reads a question, all of it; <see langword="null"/> if it is not open any more.</summary>
    public async Task<Approval?> FindApprovalAsync(string id, string activation, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Get, $"api/approvals/{Uri.EscapeDataString(id)}/{Uri.EscapeDataString(activation)}", null, cancellationToken);
            return await ReadAsync(response, HttpJsonContext.Default.Approval, cancellationToken);
        }
        catch (HostProblemException e) when (e.Problem.Status == 404)
        {
            return null;
        }
    }

    /// <summary>Answers a question.</summary>
    public Task AnswerAsync(string id, string activation, JsonElement answer, CancellationToken cancellationToken) =>
        PostAsync(id, $"events/{Uri.EscapeDataString(EventNames.Answer(activation))}", answer, cancellationToken);

    /// <summary>Gets the questions to people that are open in a status.</summary>
    public static IEnumerable<PendingWait> QuestionsOf(InstanceStatus status) => (status.CustomStatus?.WaitingFor ?? []).Where(wait => wait.Kind == "human");

    /// <summary>Gets the question of a wait, all of it: the status shortens long ones.</summary>
    public async Task<string?> PromptAsync(string id, PendingWait wait, CancellationToken cancellationToken) => wait.PromptGetUri is null
        ? wait.Prompt
        : (await FindApprovalAsync(wait.InstanceId ?? id, wait.Activation, cancellationToken))?.Prompt ?? wait.Prompt;

    public async Task<List<ScheduleSummary>> SchedulesAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, "api/schedules", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.ListScheduleSummary, cancellationToken);
    }

    public async Task ActOnScheduleAsync(string workflow, string schedule, string action, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Post, $"api/schedules/{Uri.EscapeDataString(workflow)}/{Uri.EscapeDataString(schedule)}/{action}", null, cancellationToken);
    }

    /// <summary>Reads what happened to an instance, all of it.</summary>
    public async Task<InstanceTimeline> TimelineAsync(string id, CancellationToken cancellationToken)
    {
        const int Page = 10_000;
        var steps = new List<RunStep>();
        for (var more = true; more;)
        {
            using var response = await SendAsync(HttpMethod.Get, $"{Path(id)}/timeline?from={steps.Count}&top={Page}", null, cancellationToken);
            var page = await ReadAsync(response, HttpJsonContext.Default.InstanceTimeline, cancellationToken);
            steps.AddRange(page.Steps);
            more = page.Steps.Count == Page;
        }

        return new InstanceTimeline(id, steps);
    }

    public async Task<InstanceHistory> HistoryAsync(string id, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"{Path(id)}/history", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.InstanceHistory, cancellationToken);
    }

    public async Task<JsonElement?> PostAsync(string id, string action, JsonElement? body, CancellationToken cancellationToken)
    {
        using var content = body is { } json ? JsonContent.Create(json, HttpJsonContext.Default.JsonElement) : null;
        using var response = await SendAsync(HttpMethod.Post, $"{Path(id)}/{action}", content, cancellationToken);
        return response.Content.Headers.ContentType is null ? null : await ReadAsync(response, HttpJsonContext.Default.JsonElement, cancellationToken);
    }

    public async Task<int> PurgeAsync(string id, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Delete, Path(id), null, cancellationToken);
        return (await ReadAsync(response, HttpJsonContext.Default.PurgeResult, cancellationToken)).InstancesDeleted;
    }

    /// <summary>Publishes a message.</summary>
    public async Task<MessageStatus> PublishAsync(string topic, string source, PublishMessage message, int wait, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(message, HttpJsonContext.Default.PublishMessage);
        using var response = await SendAsync(
            HttpMethod.Post, $"api/topics/{Uri.EscapeDataString(topic)}/{Uri.EscapeDataString(source)}/messages?wait={wait}", content, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.MessageStatus, cancellationToken);
    }

    /// <summary>Reads what the host has to do.</summary>
    public async Task<QueueStatus> QueueAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, "api/queue", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.QueueStatus, cancellationToken);
    }

    /// <summary>Reads what model calls have used and cost.</summary>
    public async Task<UsageReport> UsageAsync(string query, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/usage?{query}", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.UsageReport, cancellationToken);
    }

    /// <summary>Reads the same as comma-separated values.</summary>
    public async Task<string> UsageCsvAsync(string query, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/usage?{query}&format=csv", null, cancellationToken);
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    /// <summary>Lists the newest model calls that were begun and never settled.</summary>
    public async Task<List<RecordedCall>> UnsettledAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, "api/usage/unsettled?top=1000", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.ListRecordedCall, cancellationToken);
    }

    /// <summary>Lists all calls that an instance is charged with.</summary>
    public async Task<List<RecordedCall>> CallsAsync(string id, CancellationToken cancellationToken)
    {
        const int Page = 1_000;
        var calls = new List<RecordedCall>();
        for (var more = true; more;)
        {
            using var response = await SendAsync(HttpMethod.Get, $"{Path(id)}/calls?from={calls.Count}&top={Page}", null, cancellationToken);
            var page = await ReadAsync(response, HttpJsonContext.Default.ListRecordedCall, cancellationToken);
            calls.AddRange(page);
            more = page.Count == Page;
        }

        return calls;
    }

    /// <summary>Lists mailboxes, newest first.</summary>
    public async Task<List<Mailbox>> MailboxesAsync(string? topic, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/mailboxes?top=1000{(topic is null ? "" : $"&topic={Uri.EscapeDataString(topic)}")}", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.ListMailbox, cancellationToken);
    }

    /// <summary>Lists the dead letters of a mailbox.</summary>
    public async Task<List<DeadMessage>> DeadLettersAsync(string mailboxId, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/mailboxes/{Uri.EscapeDataString(mailboxId)}/dead-letters", null, cancellationToken);
        return await ReadAsync(response, HttpJsonContext.Default.ListDeadMessage, cancellationToken);
    }

    /// <summary>Replays or drops a dead letter.</summary>
    public async Task DeadLetterAsync(string mailboxId, long number, bool replay, CancellationToken cancellationToken)
    {
        var path = $"api/mailboxes/{Uri.EscapeDataString(mailboxId)}/dead-letters/{number}";
        using var response = await SendAsync(replay ? HttpMethod.Post : HttpMethod.Delete, replay ? $"{path}/replay" : path, null, cancellationToken);
    }

    /// <summary>Follows an instance: its status now and after every change, until it has finished.</summary>
    public async IAsyncEnumerable<InstanceStatus> FollowAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Path(id)}/stream?showHistoryOutput=false");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var events = SseParser.Create(stream).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (events.ConfigureAwait(false))
        {
            while (await NextAsync(events))
            {
                switch (events.Current.EventType)
                {
                    case "status":
                        yield return JsonSerializer.Deserialize(events.Current.Data, HttpJsonContext.Default.InstanceStatus)!;
                        break;
                    case "end":
                        yield break;
                }
            }
        }

        throw new HostLostException(null);
    }

    private static async Task<bool> NextAsync(IAsyncEnumerator<SseItem<string>> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new HostLostException(e);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        try
        {
            return (await response.Content.ReadFromJsonAsync(type, cancellationToken))!;
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new HostLostException(e);
        }
    }

    private static string Path(string id) => $"api/instances/{Uri.EscapeDataString(id)}";

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        return await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, completion, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new HostLostException(e);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new HostProblemException(await ReadProblemAsync(response, cancellationToken));
        }
    }

    private static async Task<ProblemDocument> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType is MediaTypeHeaderValue { MediaType: ProblemResult.ContentType })
        {
            var problem = await ReadAsync(response, HttpJsonContext.Default.ProblemDocument, cancellationToken);
            if (problem.Code == "engine_stopped")
            {
                throw new HostLostException(null);
            }

            return problem;
        }

        var code = response.StatusCode == HttpStatusCode.Unauthorized ? ProblemCodes.Unauthorized : ProblemCodes.InternalError;
        return ProblemTable.Create(code, $"The host answered {(int)response.StatusCode}.", null);
    }
}

/// <summary>The host does not answer any more: it ended, or was killed.</summary>
/// <param name="cause">What showed it.</param>
internal sealed class HostLostException(Exception? cause) : Exception("The host no longer answers.", cause);

/// <summary>The host refused a request.</summary>
/// <param name="problem">Why.</param>
internal sealed class HostProblemException(ProblemDocument problem) : Exception(problem.Detail ?? problem.Title)
{
    public ProblemDocument Problem { get; } = problem;
}
