using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Durable;

namespace Polyphony.Core.Runs;

/// <summary>Names the child orchestrations of a run, and stops them with it.</summary>
internal sealed class ChildRuns(ActivationContext context)
{
    /// <summary>
    /// Asks a child to stop when its calls are not waited for any more, and to begin nothing new when the run fails. A limit on model calls that is reached is nothing to it: what it may use of it
    /// was set aside for it.
    /// </summary>
    /// <returns>What ends that, once the child has ended.</returns>
    public IDisposable StopWith(string childId, CancellationToken cancelled)
    {
        var finishing = context.Stop.Token.Register(() =>
        {
            if (context.Stop is { Reason: not StopReason.MaxModelCalls, Finishes: true })
            {
                context.Durable.SendEvent(childId, EventNames.Finish, null);
            }
        });
        var stopping = cancelled.Register(() => context.Durable.SendEvent(childId, EventNames.Stop, null));
        return new Registrations(finishing, stopping);
    }

    /// <summary>Names a child: readable while it is short, and never twice the same in one instance.</summary>
    public string IdOf(Activation activation, int attempt) =>
        Id(context.Durable.InstanceId, $"{activation.Node.Name}{(activation.Scope.Index is { } index ? $".{index}" : "")}.{activation.Scope.Round}{Suffix(attempt, context.Rewinds)}");

    /// <summary>Names the child of a tool call that runs a workflow, by the place of the call.</summary>
    public string IdOf(ToolCall call) => Id(
        context.Durable.InstanceId,
        $"{call.QuestionId.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Replace("#", ".r", StringComparison.Ordinal)}{Suffix(1, context.Rewinds)}");

    /// <summary>Names the child that runs a part of a node's items.</summary>
    /// <param name="instanceId">The parent's id.</param>
    /// <param name="node">The node.</param>
    /// <param name="round">Its round.</param>
    /// <param name="part">The part, as <see cref="PartOf"/> names it.</param>
    public static string IdOfPart(string instanceId, string node, int round, string part) => Id(instanceId, $"{node}.{round}.{part}");

    /// <summary>Names a part of a node's items: by the first of them, and by how many times it was begun.</summary>
    public static string PartOf(int start, int attempt, int rewinds) => string.Create(CultureInfo.InvariantCulture, $"{start}{Suffix(attempt, rewinds)}");

    private static string Suffix(int attempt, int rewinds) => (attempt > 1 ? $"-a{attempt}" : "") + (rewinds > 0 ? $"-r{rewinds}" : "");

    private static string Id(string instanceId, string name)
    {
        var id = $"{instanceId}:{name}";
        return id.Length <= DurableLimits.MaxInstanceIdLength
            ? id
            : $"{id[..50]}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..32]}";
    }

    private sealed class Registrations(CancellationTokenRegistration one, CancellationTokenRegistration other) : IDisposable
    {
        public void Dispose()
        {
            one.Dispose();
            other.Dispose();
        }
    }
}
