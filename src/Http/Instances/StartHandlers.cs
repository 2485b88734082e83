using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Instances;

/// <summary>Starts instances. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="definitions">Where pinned definitions are kept.</param>
/// <param name="reader">Reads instances.</param>
/// <param name="options">The settings.</param>
public sealed class StartHandlers(WorkflowClient client, IDefinitionStore definitions, InstanceHandlers reader, PolyphonyHttpOptions options)
{
    private const string StartRetryAfter = "10";

    /// <summary>POST /api/workflows/{name}/instances: starts an instance; the body is <see cref="StartInstance"/>.</summary>
    /// <param name="context">The request; the header <c>Idempotency-Key</c> makes it repeatable, <c>wait</c> seconds hold the answer.</param>
    /// <param name="name">The workflow's name.</param>
    /// <returns>202 with the instance's links; 200 with its status if it has finished within <c>wait</c> or before a repeat; 400, 404, 409, 422, 429.</returns>
    public Task<IResult> StartAsync(HttpContext context, string name) => Guard.Run(context, async () =>
    {
        var (start, key, wait) = await ReadAsync(context, name, allowDefinition: false);
        return await StartAsync(context, client, client.Resolve(name), start, key, wait);
    });

    /// <summary>POST /api/instances: starts an instance of an inline definition; the body is <see cref="StartDefinition"/>.</summary>
    /// <param name="context">As for a start by name.</param>
    /// <returns>As for a start by name; 403 on hosts that do not accept inline definitions.</returns>
    public Task<IResult> StartDefinitionAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        if (!options.AllowInlineDefinitions)
        {
            throw new RequestProblemException(
                ProblemCodes.InlineDefinitionsDisabled, "This host runs the workflows of its own folder only. Put the file there and start it by name.");
        }

        var (start, key, wait) = await ReadAsync(context, "", allowDefinition: true);
        var definition = Parse(start.Definition!.Value);
        var uses = start.Uses?.Select(Parse).DistinctBy(each => each.Name).ToDictionary(each => each.Name, StringComparer.Ordinal) ?? [];
        client.CheckEndpoints([definition, .. uses.Values], IsOfTheOwner(context.Request) ? DefinitionOrigin.File : DefinitionOrigin.Request);
        var sent = new WorkflowClient(client.Durable, new SentCatalog(uses, client.Catalog), definitions, client.Payloads, client.Prices, client.Endpoints, client.Ledger);
        return await StartAsync(context, sent, definition, start, key, wait);
    });

    /// <summary>Answers that an instance was started.</summary>
    internal static IResult Accepted(HttpContext context, string id)
    {
        var links = InstanceLinks.Of(context.Request, id);
        context.Response.Headers.Location = links.StatusQueryGetUri;
        context.Response.Headers.RetryAfter = StartRetryAfter;
        return TypedResults.Json(links, HttpJsonContext.Default.InstanceLinks, statusCode: StatusCodes.Status202Accepted);
    }

    private bool IsOfTheOwner(HttpRequest request) =>
        options.OwnerToken is { } token
        && request.Headers[PolyphonyHttpOptions.OwnerHeader] is [{ } sent]
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent), Encoding.UTF8.GetBytes(token));

    private static WorkflowDefinition Parse(JsonElement json)
    {
        var read = JsonSource.Read(json.GetRawText());
        return read.Root is null ? throw new WorkflowInvalidException(read.Problems) : WorkflowParser.Parse(read.Root).Require();
    }

    private async Task<(StartDefinition Start, IdempotencyKey? Key, TimeSpan Wait)> ReadAsync(HttpContext context, string workflow, bool allowDefinition)
    {
        var query = new QueryReader(context.Request);
        var wait = query.Wait();
        query.Check();
        var body = await JsonBody.ReadAsync(context.Request, options.MaxBodyBytes, context.RequestAborted);
        var start = StartInstance.Read(body, allowDefinition);
        var key = IdempotencyKey.Read(context.Request, workflow, body);
        if (key is not null && start.InstanceId is not null)
        {
            throw new RequestProblemException(
                ProblemCodes.InvalidRequest, $"Give either \"instanceId\" or the header {IdempotencyKey.Header}: the key decides the id.");
        }

        return (start, key, wait);
    }

    private async Task<IResult> StartAsync(
        HttpContext context, WorkflowClient starter, WorkflowDefinition definition, StartInstance start, IdempotencyKey? key, TimeSpan wait)
    {
        var cancellationToken = context.RequestAborted;
        var (id, first) = await RepeatableStart.RunAsync(starter, definition, start, key, options.Admission, cancellationToken);
        if (first is { IsFinished: true })
        {
            return await FinishedAsync(context, id);
        }

        await reader.WaitAsync(id, wait, cancellationToken);
        return wait > TimeSpan.Zero && await client.Durable.GetAsync(id, fetchInputsAndOutputs: false, cancellationToken) is { IsFinished: true }
            ? await FinishedAsync(context, id)
            : Accepted(context, id);
    }

    private async Task<IResult> FinishedAsync(HttpContext context, string id) => InstanceHandlers.Status(
        context, InstanceStatus.From(await client.GetAsync(id, null, context.RequestAborted) ?? throw new InstanceNotFoundException(id), context.Request));

    /// <summary>The inline definitions, before the workflows of the host.</summary>
    private sealed class SentCatalog(Dictionary<string, WorkflowDefinition> sent, IWorkflowCatalog host) : IWorkflowCatalog
    {
        public WorkflowDefinition? Find(string name) => sent.TryGetValue(name, out var definition) ? definition : host.Find(name);

        public IReadOnlyList<WorkflowDefinition> List() => [.. sent.Values, .. host.List().Where(each => !sent.ContainsKey(each.Name))];
    }
}
