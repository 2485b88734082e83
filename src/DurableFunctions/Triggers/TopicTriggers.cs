using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Topics;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions of topics. The handlers are those of the embedded host.</summary>
/// <param name="topics">Publishes messages, and manages mailboxes.</param>
public sealed class TopicTriggers(TopicHandlers topics)
{
    /// <summary>Lists the topics that workflows subscribe to.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-topics")]
    public Task<IResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/topics")] HttpRequest request,
        [DurableClient] DurableTaskClient client) => topics.ListAsync(request.HttpContext);

    /// <summary>Publishes a message.</summary>
    /// <param name="request">The request.</param>
    /// <param name="type">The topic type.</param>
    /// <param name="source">The source.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-publish-message")]
    public Task<IResult> PublishAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/topics/{type}/{source}/messages")] HttpRequest request,
        string type,
        string source,
        [DurableClient] DurableTaskClient client) => topics.PublishAsync(request.HttpContext, type, source);

    /// <summary>Says something to an agent, and waits for its reply.</summary>
    /// <param name="request">The request.</param>
    /// <param name="agent">The agent, or the name of the subscription.</param>
    /// <param name="id">The session.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-say-in-session")]
    public Task<IResult> SayAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/sessions/{agent}/{id}/messages")] HttpRequest request,
        string agent,
        string id,
        [DurableClient] DurableTaskClient client) => topics.SayAsync(request.HttpContext, agent, id);

    /// <summary>Shows what was said in a session.</summary>
    /// <param name="request">The request.</param>
    /// <param name="agent">The agent, or the name of the subscription.</param>
    /// <param name="id">The session.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-session")]
    public Task<IResult> SessionAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/sessions/{agent}/{id}")] HttpRequest request,
        string agent,
        string id,
        [DurableClient] DurableTaskClient client) => topics.SessionAsync(request.HttpContext, agent, id);

    /// <summary>Lists mailboxes.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-mailboxes")]
    public Task<IResult> ListMailboxesAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/mailboxes")] HttpRequest request,
        [DurableClient] DurableTaskClient client) => topics.ListMailboxesAsync(request.HttpContext);

    /// <summary>Shows a mailbox.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-mailbox")]
    public Task<IResult> GetMailboxAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/mailboxes/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => topics.GetMailboxAsync(request.HttpContext, id);

    /// <summary>Lists the messages that could not be handled.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-dead-letters")]
    public Task<IResult> DeadLettersAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/mailboxes/{id}/dead-letters")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => topics.DeadLettersAsync(request.HttpContext, id);

    /// <summary>Sends a dead letter to its mailbox again.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <param name="number">The message's number.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-replay-dead-letter")]
    public Task<IResult> ReplayAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/mailboxes/{id}/dead-letters/{number}/replay")] HttpRequest request,
        string id,
        string number,
        [DurableClient] DurableTaskClient client) => topics.ReplayAsync(request.HttpContext, id, number);

    /// <summary>Removes a dead letter for good.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The mailbox.</param>
    /// <param name="number">The message's number.</param>
    /// <param name="client">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-drop-dead-letter")]
    public Task<IResult> DropAsync(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "api/mailboxes/{id}/dead-letters/{number}")] HttpRequest request,
        string id,
        string number,
        [DurableClient] DurableTaskClient client) => topics.DropAsync(request.HttpContext, id, number);
}
