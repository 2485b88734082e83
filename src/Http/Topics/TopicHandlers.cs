using Microsoft.AspNetCore.Http;
using Polyphony.Core.Durable;
using Polyphony.Core.Topics;
using Polyphony.Http.Hosting;
using Polyphony.Http.Instances;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Topics;

/// <summary>Publishes messages, and shows and manages the mailboxes of those who get them. Thread-safe.</summary>
/// <param name="topics">The topics.</param>
/// <param name="options">The settings.</param>
public sealed class TopicHandlers(TopicClient topics, PolyphonyHttpOptions options)
{
    /// <summary>How long a message of a session is waited for, unless the caller says otherwise.</summary>
    private static readonly TimeSpan SessionWait = TimeSpan.FromSeconds(60);

    /// <summary>GET /api/topics.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with the subscriptions of all workflows, by topic type.</returns>
    public Task<IResult> ListAsync(HttpContext context) => Guard.RunPlain(context, () =>
        Task.FromResult<IResult>(TypedResults.Json([.. topics.ListSubscriptions()], HttpJsonContext.Default.ListTopicSubscription)));

    /// <summary>POST /api/topics/{type}/{source}/messages: publishes a message; the body is <see cref="PublishMessage"/>.</summary>
    /// <param name="context">The request; <c>wait</c> seconds hold the answer until the message is handled.</param>
    /// <param name="type">The topic type.</param>
    /// <param name="source">The source.</param>
    /// <returns>202 once the message is accepted; 200 if it was handled within <c>wait</c>; 400, 404.</returns>
    public Task<IResult> PublishAsync(HttpContext context, string type, string source) => Guard.Run(context, async () =>
    {
        var (message, wait) = await ReadAsync(context, TimeSpan.Zero);
        return await AnswerAsync(context, await topics.PublishAsync(type, source, message.Data, message.MessageId, context.RequestAborted), wait);
    });

    /// <summary>POST /api/sessions/{agent}/{id}/messages: says something in a session, and waits for the reply; the body is <see cref="PublishMessage"/>.</summary>
    /// <param name="context">The request; <c>wait</c> seconds, 60 by default, hold the answer.</param>
    /// <param name="agent">The agent, or the name of the subscription.</param>
    /// <param name="id">The session: a source of the agent's topic.</param>
    /// <returns>200 with the reply; 202 if there is none within <c>wait</c>; 400, 404.</returns>
    public Task<IResult> SayAsync(HttpContext context, string agent, string id) => Guard.Run(context, async () =>
    {
        var (message, wait) = await ReadAsync(context, SessionWait);
        var subscription = topics.FindSession(agent);
        var published = await topics.PublishAsync(subscription.Topic, id, message.Data, message.MessageId, context.RequestAborted);
        var replies = published.Deliveries.Where(delivery => delivery.Workflow == subscription.Workflow && delivery.Subscription == subscription.Name);
        return await AnswerAsync(context, published with { Deliveries = [.. replies] }, wait);
    });

    /// <summary>GET /api/sessions/{agent}/{id}: what was said in a session.</summary>
    /// <param name="context">The request.</param>
    /// <param name="agent">The agent, or the name of the subscription.</param>
    /// <param name="id">The session.</param>
    /// <returns>200 with the mailbox and the messages that are kept, or 404.</returns>
    public Task<IResult> SessionAsync(HttpContext context, string agent, string id) => Guard.RunPlain(context, async () =>
    {
        var subscription = topics.FindSession(agent);
        var mailboxId = TopicClient.MailboxId(subscription, id);
        var mailbox = await topics.GetMailboxAsync(mailboxId, context.RequestAborted) ?? throw NoSession(agent, id);
        return TypedResults.Json(new SessionStatus(mailbox, await topics.GetConversationAsync(mailboxId, context.RequestAborted) ?? []), HttpJsonContext.Default.SessionStatus);
    });

    /// <summary>GET /api/mailboxes.</summary>
    /// <param name="context">The request; <c>topic</c>, <c>top</c> and the header <c>x-ms-continuation-token</c>.</param>
    /// <returns>200 with a page of mailboxes, newest first.</returns>
    public Task<IResult> ListMailboxesAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        var query = new QueryReader(context.Request);
        var topic = query.Text("topic", 63);
        var size = query.Whole("top", 1, OrchestrationQuery.MaxPageSize, OrchestrationQuery.DefaultPageSize);
        query.Check();
        var token = context.Request.Headers[InstanceHandlers.ContinuationHeader] is [{ Length: > 0 } given] ? given : null;
        var page = await topics.ListMailboxesAsync(topic, size, token, context.RequestAborted);
        if (page.ContinuationToken is not null)
        {
            context.Response.Headers[InstanceHandlers.ContinuationHeader] = page.ContinuationToken;
        }

        return TypedResults.Json([.. page.Mailboxes], HttpJsonContext.Default.ListMailbox);
    });

    /// <summary>GET /api/mailboxes/{id}.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <returns>200 with the mailbox, or 404.</returns>
    public Task<IResult> GetMailboxAsync(HttpContext context, string id) => Guard.RunPlain(context, async () =>
        TypedResults.Json(await topics.GetMailboxAsync(id, context.RequestAborted) ?? throw NoMailbox(id), HttpJsonContext.Default.Mailbox));

    /// <summary>GET /api/mailboxes/{id}/dead-letters.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <returns>200 with the messages that could not be handled, or 404.</returns>
    public Task<IResult> DeadLettersAsync(HttpContext context, string id) => Guard.RunPlain(context, async () =>
        TypedResults.Json([.. await topics.ListDeadLettersAsync(id, context.RequestAborted) ?? throw NoMailbox(id)], HttpJsonContext.Default.ListDeadMessage));

    /// <summary>POST /api/mailboxes/{id}/dead-letters/{number}/replay.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <param name="number">The message's number.</param>
    /// <returns>202 once the message is on its way to the mailbox again, or 404.</returns>
    public Task<IResult> ReplayAsync(HttpContext context, string id, string number) => ActAsync(context, id, number, topics.ReplayAsync);

    /// <summary>DELETE /api/mailboxes/{id}/dead-letters/{number}.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <param name="number">The message's number.</param>
    /// <returns>202 once the message is to be removed, or 404.</returns>
    public Task<IResult> DropAsync(HttpContext context, string id, string number) => ActAsync(context, id, number, topics.DropAsync);

    private static Task<IResult> ActAsync(HttpContext context, string id, string number, Func<string, long, CancellationToken, Task<bool>> act) => Guard.RunPlain(context, async () =>
        long.TryParse(number, out var place) && place > 0 && await act(id, place, context.RequestAborted)
            ? TypedResults.StatusCode(StatusCodes.Status202Accepted)
            : throw new RequestProblemException(ProblemCodes.DeadLetterNotFound, $"Mailbox \"{FieldReader.Shorten(id)}\" has no dead letter {FieldReader.Shorten(number)}. GET /api/mailboxes/{{id}}/dead-letters lists those that it has."));

    private static RequestProblemException NoMailbox(string id) =>
        new(ProblemCodes.MailboxNotFound, $"There is no mailbox \"{FieldReader.Shorten(id)}\", or it has had no message yet. GET /api/mailboxes lists those that have.");

    private static RequestProblemException NoSession(string agent, string id) =>
        new(ProblemCodes.MailboxNotFound, $"Nothing was said to \"{FieldReader.Shorten(agent)}\" in session \"{FieldReader.Shorten(id)}\" yet.");

    private async Task<(PublishMessage Message, TimeSpan Wait)> ReadAsync(HttpContext context, TimeSpan byDefault)
    {
        var query = new QueryReader(context.Request);
        var asked = query.Wait();
        var wait = context.Request.Query.ContainsKey("wait") ? asked : byDefault;
        query.Check();
        return (PublishMessage.Read(await JsonBody.ReadAsync(context.Request, options.MaxBodyBytes, context.RequestAborted)), wait);
    }

    private async Task<IResult> AnswerAsync(HttpContext context, PublishedMessage message, TimeSpan wait)
    {
        var results = await WaitAsync(message, wait, context.RequestAborted);
        var status = new MessageStatus
        {
            MessageId = message.MessageId,
            Topic = message.Topic,
            Source = message.Source,
            Deliveries = [.. message.Deliveries.Zip(results, (delivery, result) => new DeliveryStatus
            {
                Workflow = delivery.Workflow,
                Subscription = delivery.Subscription,
                MailboxId = delivery.MailboxId,
                MailboxGetUri = $"{RoutePrefix.BaseAddress(context.Request)}/api/mailboxes/{Uri.EscapeDataString(delivery.MailboxId)}",
                RunId = result?.RunId,
                StopReason = result?.StopReason,
                Output = result?.Output,
                Error = result?.Error,
            })],
        };
        return TypedResults.Json(
            status, HttpJsonContext.Default.MessageStatus, statusCode: results.All(result => result is not null) ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }

    private async Task<IReadOnlyList<HandledResult?>> WaitAsync(PublishedMessage message, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (wait == TimeSpan.Zero)
        {
            return new HandledResult?[message.Deliveries.Count];
        }

        using var timeout = new CancellationTokenSource(wait, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        return await Task.WhenAll(message.Deliveries.Select(WaitForAsync));

        async Task<HandledResult?> WaitForAsync(MessageDelivery delivery)
        {
            try
            {
                return await topics.WaitForHandledAsync(delivery, message.MessageId, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // The time is up: the caller learns that the message is accepted.
                return null;
            }
        }
    }
}
