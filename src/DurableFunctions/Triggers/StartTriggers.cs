using Azure.Storage.Blobs;
using Azure.Storage.Queues.Models;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Starts;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The functions that start workflows by queue and blob. The host indexes only those that the settings enable (<see cref="FunctionIndex"/>).</summary>
/// <param name="queue">Starts by messages.</param>
/// <param name="blobs">Starts by blobs.</param>
public sealed class StartTriggers(QueueStarts queue, BlobStarts blobs)
{
    /// <summary>Starts what a message asks for.</summary>
    /// <param name="message">The message.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>A task that completes when it is started.</returns>
    [Function(FunctionIndex.Queue)]
    public Task QueueAsync(
        [QueueTrigger($"%{StartSettings.QueueSetting}%")] QueueMessage message,
        [DurableClient] DurableTaskClient client,
        FunctionContext invocation) => queue.StartAsync(message, invocation.CancellationToken);

    /// <summary>Starts a workflow for a blob that Event Grid tells of.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>A task that completes when it is started.</returns>
    [Function(FunctionIndex.Blob)]
    public Task BlobAsync(
        [BlobTrigger($"%{StartSettings.BlobsSetting}%/{{name}}", Source = BlobTriggerSource.EventGrid)] BlobClient blob,
        [DurableClient] DurableTaskClient client,
        FunctionContext invocation) => blobs.StartAsync(blob, invocation.CancellationToken);

    /// <summary>Starts a workflow for a blob that the host has found.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>A task that completes when it is started.</returns>
    [Function(FunctionIndex.BlobScan)]
    public Task BlobScanAsync(
        [BlobTrigger($"%{StartSettings.BlobsSetting}%/{{name}}", Source = BlobTriggerSource.LogsAndContainerScan)] BlobClient blob,
        [DurableClient] DurableTaskClient client,
        FunctionContext invocation) => blobs.StartAsync(blob, invocation.CancellationToken);
}
