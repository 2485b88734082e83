using System.Buffers;
using System.Buffers.Text;
using Azure.Storage.Queues.Models;
using Microsoft.Extensions.Logging;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Instances;

namespace Polyphony.DurableFunctions.Starts;

/// <summary>Starts workflows for the messages of the queue that the settings name: each once, however often it is delivered. Thread-safe.</summary>
/// <param name="settings">Which queue, and which workflow if its messages don't say.</param>
/// <param name="starts">Starts.</param>
/// <param name="log">The log.</param>
public sealed class QueueStarts(StartSettings settings, MessageStarts starts, ILogger<QueueStarts> log)
{
    private static readonly SearchValues<byte> BeginningsOfJson = SearchValues.Create("{[\"-0123456789tfn \t\r\n"u8);

    private readonly string _source = $"queue/{settings.Queue}";

    /// <summary>Starts for a message. If it fails, the message must stay in the queue.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>A task that completes when the workflow is started and the message can be deleted.</returns>
    /// <exception cref="PolyphonyException">It can't be started.</exception>
    public Task StartAsync(QueueMessage message, CancellationToken cancellationToken) => StartReport.RunAsync(
        log,
        _source,
        message.MessageId,
        () => settings.QueueWorkflow is { } workflow
            ? starts.StartAsync(workflow, Json(message), _source, message.MessageId, cancellationToken)
            : starts.StartAsync(Json(message), _source, message.MessageId, cancellationToken));

    // Some clients send the text as it is, others in Base64. What is JSON in Base64 never begins as JSON does.
    private static ReadOnlyMemory<byte> Json(QueueMessage message)
    {
        var sent = message.Body.ToMemory();
        return sent.Length > 0 && !BeginningsOfJson.Contains(sent.Span[0]) && Base64.IsValid(sent.Span)
            ? Convert.FromBase64String(message.Body.ToString())
            : sent;
    }
}
