using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>Finds who gets a message, checks it against what they take, and pins what will handle it. Thread-safe.</summary>
/// <param name="catalog">The workflows with their subscriptions.</param>
/// <param name="pinning">Pins what handles the message.</param>
/// <param name="payloads">Where large values are kept.</param>
internal sealed class TopicRouter(IWorkflowCatalog catalog, WorkflowPinning pinning, IPayloadStore payloads)
{
    /// <summary>Puts a message together.</summary>
    /// <param name="topic">The topic type.</param>
    /// <param name="source">The source.</param>
    /// <param name="messageId">The message's id.</param>
    /// <param name="data">The data.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The message with those who get it.</returns>
    /// <exception cref="PolyphonyException"><c>topic_invalid</c>: the topic type, the source or the id is none; <c>no_subscriber</c>: nobody subscribes to it.</exception>
    /// <exception cref="SchemaViolationException">The data does not fit what a subscriber takes.</exception>
    /// <exception cref="InvalidJsonException">The data is nested too deeply, or holds half of a surrogate pair.</exception>
    public async Task<TopicMessage> RouteAsync(string topic, string source, string messageId, JsonElement data, CancellationToken cancellationToken)
    {
        if ((TopicNames.ProblemOfType(topic) ?? TopicNames.ProblemOfSource(source) ?? TopicNames.ProblemOfMessageId(messageId)) is { } problem)
        {
            throw new PolyphonyException(ErrorCodes.TopicInvalid, problem);
        }

        if (StrictJson.FindProblem(data) is { } invalid)
        {
            throw new InvalidJsonException($"The data of the message cannot be taken: {invalid}.");
        }

        var deliveries = new List<Delivery>();
        foreach (var (workflow, subscription) in Find(topic, source))
        {
            var handler = subscription.Handler ?? workflow;
            WorkflowClient.CheckInput(handler, data);
            var subWorkflows = await PinAsync(handler, subscription.Name, cancellationToken);
            deliveries.Add(new Delivery(TopicNames.Mailbox(workflow.Name, subscription.Name, source), subscription.Name, workflow.Name, handler.Hash, subWorkflows));
        }

        return deliveries.Count == 0
            ? throw NoSubscriber(topic, source)
            : new TopicMessage(messageId, topic, source, await KeepAsync(data, deliveries, cancellationToken), deliveries);
    }

    /// <summary>Finds the subscriptions to a topic.</summary>
    public IEnumerable<(WorkflowDefinition Workflow, SubscriptionDefinition Subscription)> Find(string topic, string source) =>
        from workflow in catalog.List() from subscription in workflow.Subscriptions where subscription.Wants(topic, source) select (workflow, subscription);

    /// <summary>Finds the subscription that a mailbox belongs to, and pins what handles its messages now.</summary>
    /// <returns>The delivery; <see langword="null"/> if there is no such subscription any more.</returns>
    public async Task<Delivery?> FindAsync(string workflow, string subscription, string mailbox, CancellationToken cancellationToken)
    {
        if (catalog.Find(workflow) is not { } found || found.Subscriptions.FirstOrDefault(each => each.Name == subscription) is not { } current)
        {
            return null;
        }

        var handler = current.Handler ?? found;
        return new Delivery(mailbox, subscription, workflow, handler.Hash, await PinAsync(handler, subscription, cancellationToken));
    }

    // What summarises the conversation is that of the handler's own subscription: it is found there when the message is handled.
    private async Task<IReadOnlyDictionary<string, string>?> PinAsync(WorkflowDefinition handler, string subscription, CancellationToken cancellationToken)
    {
        if (handler.Subscriptions.First(each => each.Name == subscription).Summarizer is { } summarizer)
        {
            await pinning.PinAsync(summarizer, limitsCost: false, cancellationToken);
        }

        return await pinning.PinAsync(handler, limitsCost: false, cancellationToken);
    }

    private PolyphonyException NoSubscriber(string topic, string source)
    {
        var known = catalog.List().SelectMany(workflow => workflow.Subscriptions).Where(subscription => subscription.Topic == topic).Select(subscription => $"\"{subscription.SourcePrefix}\"").Distinct().ToList();
        var topics = catalog.List().SelectMany(workflow => workflow.Subscriptions).Select(subscription => subscription.Topic).Distinct().Order(StringComparer.Ordinal).ToList();
        return new PolyphonyException(ErrorCodes.NoSubscriber, known.Count > 0
            ? $"Nobody subscribes to source \"{source}\" of topic \"{topic}\". Subscribed are the sources that begin with {string.Join(", ", known)}."
            : $"Nobody subscribes to topic \"{topic}\". {(topics.Count == 0 ? "No workflow has subscriptions." : $"Known: {string.Join(", ", topics)}.")}");
    }

    // A large value is kept for each mailbox: it lives as long as any of them refers to it.
    private async Task<Payload> KeepAsync(JsonElement data, List<Delivery> deliveries, CancellationToken cancellationToken)
    {
        var json = Payload.Inline(data).Text.ToArray();
        if (Payload.MayBeInline(json))
        {
            return Payload.FromText(json);
        }

        var hash = "";
        foreach (var delivery in deliveries)
        {
            hash = await payloads.PutAsync(delivery.Mailbox, json, cancellationToken);
        }

        return new Payload { Reference = PayloadReader.Describe(hash, json.Length, data) };
    }
}
