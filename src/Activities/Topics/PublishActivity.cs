using System.Text.Json;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Payloads;
using Polyphony.Core.Client;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Activities.Topics;

/// <summary>Finds who gets a message that a workflow publishes, and puts it together; the orchestration sends it.</summary>
internal sealed class PublishActivity(TopicRouter router, PayloadValues values, ILogger log)
{
    public async Task<PublishResult> RunAsync(PublishCall call, CancellationToken cancellationToken)
    {
        try
        {
            var message = await values.ReadAsync(call.Message, cancellationToken);
            var source = message.GetProperty("source");
            var id = message.TryGetProperty("messageId", out var given) ? TextOf(given, "messageId") : TopicNames.MessageId(call.MessageId);
            return new PublishResult(await router.RouteAsync(call.Topic, TextOf(source, "source"), id, message.GetProperty("data"), cancellationToken));
        }
        catch (PolyphonyException exception) when (exception.Code is ErrorCodes.TopicInvalid or ErrorCodes.NoSubscriber || exception is SchemaViolationException or InvalidJsonException)
        {
            return Failed(new CallError(exception.Code, exception.Message, ErrorKind.Terminal));
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The boundary of the activity: whatever it is, the workflow decides what follows.
            return Failed(ErrorClassifier.Classify(exception));
        }

        PublishResult Failed(CallError error)
        {
            log.PublishFailed(call.RootInstanceId, call.Topic, error.Code);
            return new PublishResult(null, ErrorText.Shorten(error));
        }
    }

    // Tickets and the like are numbers as often as texts.
    private static string TextOf(JsonElement value, string what) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => value.GetRawText(),
        _ => throw new PolyphonyException(ErrorCodes.TopicInvalid, $"\"{what}\" of what is published must be a string or a number, found: {Shorten(value.GetRawText())}."),
    };

    private static string Shorten(string text) => text.Length > 60 ? text[..60] + "…" : text;
}
