using System.Text.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Topics;

/// <summary>The body of a message.</summary>
internal sealed record PublishMessage
{
    /// <summary>Gets the data, any JSON.</summary>
    public required JsonElement Data { get; init; }

    /// <summary>Gets the message's id, 1 to 128 characters: the same id is handled once, for 7 days at least. Default: a new one.</summary>
    public string? MessageId { get; init; }

    /// <summary>Reads a body.</summary>
    /// <exception cref="RequestProblemException">Something is wrong with it; everything is listed.</exception>
    public static PublishMessage Read(JsonElement? body)
    {
        if (body is not { ValueKind: JsonValueKind.Object } json)
        {
            throw new RequestProblemException(
                ProblemCodes.InvalidRequest, $"The body must be an object such as {{\"data\": …}}; found is {(body is { } other ? FieldReader.Shorten(other.GetRawText()) : "nothing")}.");
        }

        var problems = new List<ProblemItem>();
        var fields = new FieldReader(json, "", problems);
        var (data, id) = (fields.Any("data"), fields.Text("messageId", 128));
        if (data is null)
        {
            problems.Add(new ProblemItem("\"data\" is missing: what the message says, any JSON.", ProblemCodes.InvalidRequest, "/data"));
        }

        fields.RefuseOthers();
        return problems.Count == 0 ? new PublishMessage { Data = data!.Value, MessageId = id } : throw RequestProblemException.Of(problems);
    }
}

/// <summary>A message that was accepted.</summary>
internal sealed record MessageStatus
{
    /// <summary>Gets the message's id.</summary>
    public required string MessageId { get; init; }

    /// <summary>Gets the topic type.</summary>
    public required string Topic { get; init; }

    /// <summary>Gets the source.</summary>
    public required string Source { get; init; }

    /// <summary>Gets who gets the message, and how it was handled.</summary>
    public required IReadOnlyList<DeliveryStatus> Deliveries { get; init; }
}

/// <summary>One subscriber of a message.</summary>
internal sealed record DeliveryStatus
{
    /// <summary>Gets the subscriber's workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the subscription's name.</summary>
    public required string Subscription { get; init; }

    /// <summary>Gets the mailbox.</summary>
    public required string MailboxId { get; init; }

    /// <summary>Gets where the mailbox is shown.</summary>
    public required string MailboxGetUri { get; init; }

    /// <summary>Gets the instance that has handled the message; left out until it is handled.</summary>
    public string? RunId { get; init; }

    /// <summary>Gets why that instance ended; left out until the message is handled.</summary>
    public StopReason? StopReason { get; init; }

    /// <summary>Gets its output.</summary>
    public JsonElement? Output { get; init; }

    /// <summary>Gets why it failed: the message is a dead letter then.</summary>
    public WorkflowError? Error { get; init; }
}

/// <summary>What was said in a session.</summary>
/// <param name="Mailbox">The mailbox of the session.</param>
/// <param name="Messages">The messages that are kept, oldest first.</param>
internal sealed record SessionStatus(Mailbox Mailbox, IReadOnlyList<SessionMessage> Messages);
