using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Polyphony.TestKit.OpenAI;

/// <summary>A server on loopback that speaks the OpenAI protocol (chat completions), misbehaves on demand, and keeps its own count.</summary>
public sealed class FakeOpenAIServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly Func<FakeOpenAIRequest, FakeOpenAIAnswer> _script;
    private readonly ConcurrentQueue<FakeOpenAIRequest> _requests = new();
    private readonly ConcurrentDictionary<string, int> _answers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    private FakeOpenAIServer(Func<FakeOpenAIRequest, FakeOpenAIAnswer> script)
    {
        _script = script;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.MapPost("/v1/chat/completions", AnswerAsync);
        _application.MapPost("/openai/v1/chat/completions", AnswerAsync);
        _application.MapPost("/openai/deployments/{name}/chat/completions", AnswerAsync);
    }

    /// <summary>Gets the base address for clients, such as <c>http://127.0.0.1:5123/v1</c>.</summary>
    public Uri Endpoint => new($"{_application.Urls.First()}/v1");

    /// <summary>Gets the address of the server itself, as of an Azure OpenAI resource.</summary>
    public Uri Resource => new(_application.Urls.First());

    /// <summary>Gets the requests in the order of their arrival.</summary>
    public IReadOnlyList<FakeOpenAIRequest> Requests => [.. _requests];

    /// <summary>Gets how many answers were sent for each prompt (or <see cref="FakeOpenAIAnswer.CountedAs"/>): what a provider would have charged for.</summary>
    public IReadOnlyDictionary<string, int> Answers => _answers;

    /// <summary>Gets a task that completes when a client has gone away before its answer was complete.</summary>
    public Task Aborted => _aborted.Task;

    /// <summary>Gets or sets what is called when an answer that counts has been handed to the connection; the client may not have it yet.</summary>
    public Action<FakeOpenAIRequest>? Answered { get; set; }

    /// <summary>Starts a server.</summary>
    public static async Task<FakeOpenAIServer> StartAsync(Func<FakeOpenAIRequest, FakeOpenAIAnswer> script)
    {
        var server = new FakeOpenAIServer(script);
        await server._application.StartAsync();
        return server;
    }

    /// <summary>Starts a server that gives the answers in turn; the last again and again.</summary>
    public static Task<FakeOpenAIServer> StartAsync(params FakeOpenAIAnswer[] answers) =>
        StartAsync(request => answers[Math.Min(request.Number, answers.Length) - 1]);

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var document = await JsonDocument.ParseAsync(context.Request.Body);
        var request = new FakeOpenAIRequest(
            Interlocked.Increment(ref _count),
            document.RootElement.Clone(),
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase))
        {
            Target = context.Features.Get<IHttpRequestFeature>()!.RawTarget,
        };
        _requests.Enqueue(request);
        var answer = _script(request);
        if (answer.Takes > TimeSpan.Zero && !await TakeAsync(context, answer.Takes))
        {
            return;
        }

        if (answer.IsAnswer)
        {
            _answers.AddOrUpdate(answer.CountedAs ?? request.Prompt, 1, (_, count) => count + 1);
        }

        if (answer.Resets)
        {
            Reset(context);
            return;
        }

        try
        {
            await SendAsync(context, answer);
            if (answer.IsAnswer)
            {
                Answered?.Invoke(request);
            }
        }
        catch (OperationCanceledException)
        {
            _aborted.TrySetResult();
        }
    }

    private async Task<bool> TakeAsync(HttpContext context, TimeSpan time)
    {
        try
        {
            await Task.Delay(time, context.RequestAborted);
            return true;
        }
        catch (OperationCanceledException)
        {
            _aborted.TrySetResult();
            return false;
        }
    }

    private static async Task SendAsync(HttpContext context, FakeOpenAIAnswer answer)
    {
        if (answer.Hangs)
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "application/json";
        context.Response.Headers["x-request-id"] = "req-1";
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers[name] = value;
        }

        var body = answer.Bytes ?? Encoding.UTF8.GetBytes(answer.Body);
        if (answer.IsEndless)
        {
            var block = Enumerable.Repeat(body, Math.Max(1, 64 * 1024 / body.Length)).SelectMany(bytes => bytes).ToArray();
            while (true)
            {
                await context.Response.Body.WriteAsync(block, context.RequestAborted);
            }
        }

        context.Response.ContentLength = body.Length;
        if (answer.ResetsAfter is { } part)
        {
            await context.Response.Body.WriteAsync(body.AsMemory(0, part), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            Reset(context);
        }
        else if (answer.Stalls)
        {
            await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }
        else if (answer.IsSlow)
        {
            foreach (var single in body)
            {
                await context.Response.Body.WriteAsync(new[] { single }, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        else
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static void Reset(HttpContext context) => (context.Features.Get<IHttpRequestLifetimeFeature>() ?? throw new InvalidOperationException()).Abort();
}
