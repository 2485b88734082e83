using Microsoft.AspNetCore.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.Http.Instances;

/// <summary>The response to a start: the instance's id and the links to manage it. Names as in Durable Functions.</summary>
/// <param name="Id">The instance's id.</param>
/// <param name="StatusQueryGetUri">GET: the status.</param>
/// <param name="SendEventPostUri">POST: sends an event; replace <c>{eventName}</c> with its name.</param>
/// <param name="TerminatePostUri">POST: terminates it; replace <c>{text}</c> with the reason.</param>
/// <param name="SuspendPostUri">POST: suspends it; replace <c>{text}</c> with the reason.</param>
/// <param name="ResumePostUri">POST: resumes it; replace <c>{text}</c> with the reason.</param>
/// <param name="RestartPostUri">POST: starts another instance with the same input.</param>
/// <param name="RewindPostUri">POST: runs the failed part again; replace <c>{text}</c> with the reason.</param>
/// <param name="PurgeHistoryDeleteUri">DELETE: removes it.</param>
/// <param name="HistoryGetUri">GET: the history.</param>
/// <param name="StreamGetUri">GET: server-sent events.</param>
internal sealed record InstanceLinks(
    string Id,
    string StatusQueryGetUri,
    string SendEventPostUri,
    string TerminatePostUri,
    string SuspendPostUri,
    string ResumePostUri,
    string RestartPostUri,
    string RewindPostUri,
    string PurgeHistoryDeleteUri,
    string HistoryGetUri,
    string StreamGetUri)
{
    /// <summary>Makes the links of an instance, on the host, path base and prefix by which the request came.</summary>
    /// <param name="request">The request.</param>
    /// <param name="instanceId">The id.</param>
    /// <returns>The links.</returns>
    public static InstanceLinks Of(HttpRequest request, string instanceId)
    {
        var instance = InstanceUri(request, instanceId);
        return new InstanceLinks(
            instanceId,
            instance,
            $"{instance}/events/{{eventName}}",
            $"{instance}/terminate?reason={{text}}",
            $"{instance}/suspend?reason={{text}}",
            $"{instance}/resume?reason={{text}}",
            $"{instance}/restart",
            $"{instance}/rewind?reason={{text}}",
            instance,
            $"{instance}/history",
            $"{instance}/stream");
    }

    /// <summary>Makes the URI of a question.</summary>
    /// <param name="request">The request.</param>
    /// <param name="instanceId">The id of the instance that asks.</param>
    /// <param name="activation">The activation that asks.</param>
    /// <returns>The URI.</returns>
    public static string ApprovalUri(HttpRequest request, string instanceId, string activation) =>
        $"{RoutePrefix.BaseAddress(request)}/api/approvals/{Uri.EscapeDataString(instanceId)}/{Uri.EscapeDataString(activation)}";

    /// <summary>Makes the URI of an instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="instanceId">The id.</param>
    /// <returns>The URI.</returns>
    public static string InstanceUri(HttpRequest request, string instanceId) =>
        $"{RoutePrefix.BaseAddress(request)}/api/instances/{Uri.EscapeDataString(instanceId)}";
}
