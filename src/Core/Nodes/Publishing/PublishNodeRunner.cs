using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Nodes.Publishing;

/// <summary>Publishes a message: an activity finds who gets it, and the orchestration sends it, exactly once.</summary>
internal sealed class PublishNodeRunner(ActivationContext context) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        context.Observer.OnAttempt(activation);
        var message = activation.Arguments is { } given
            ? new EvaluateResult(given)
            : await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Publish), activation.Scope);
        if (message.Error is { } invalid)
        {
            return new WorkResult { Error = invalid, Attempts = 1 };
        }

        var result = await context.Calls.PublishAsync(new PublishCall(
            context.Calls.RootInstanceId, ((PublishNode)activation.Node).Topic, $"{activation.Scope.InstanceId}/{activation.Id}", message.Value!));
        if (result.Error is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1 };
        }

        var published = result.Message!;
        if (context.Publications.Add(published) is { } refused)
        {
            return new WorkResult { Error = refused, Attempts = 1 };
        }

        return new WorkResult { Output = ReceiptOf(published), Attempts = 1 };
    }

    private static Payload ReceiptOf(TopicMessage message)
    {
        var receipt = new PublishReceipt(message.Id, message.Topic, message.Source, [.. message.Deliveries.Select(delivery => delivery.Mailbox)]);
        return Payload.FromText(JsonSerializer.SerializeToUtf8Bytes(receipt, CoreJsonContext.Default.PublishReceipt));
    }
}
