using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Durable;

namespace Polyphony.Core.Runs;

/// <summary>Names the child orchestrations of a run, and stops them with it.</summary>
internal sealed class ChildRuns(ActivationContext context)
{
    /// <summary>
    /// Asks a child to stop when its calls are not waited for any more, and to begin nothing new when the run fails. A limit on turns that is reached is nothing to it: what it may use of it
    /// was set aside for it.
    /// </summary>
    /// <returns>What ends that, once the child has ended.</returns>
    public IDisposable StopWith(string childId, CancellationToken cancelled)
    {
        var finishing = context.Stop.Token.Register(() =>
        {
            if (context.Stop is { Reason: not StopReason.MaxTurns, Finishes: true })
            {
                context.Durable.SendEvent(childId, EventNames.Finish, null);
            }
        });
        var stopping = cancelled.Register(() => context.Durable.SendEvent(childId, EventNames.Stop, null));
        return new Registrations(finishing, stopping);
    }

    /// <summary>Names a child: readable while it is short, and never twice the same in one instance.</summary>
    public string IdOf(Activation activation, int attempt, string part = "")
    {
        var name = $"{activation.Node.Name}{(activation.Scope.Index is { } index ? $".{index}" : "")}.{activation.Scope.Round}{part}";
        var suffix = (attempt > 1 ? $"-a{attempt}" : "") + (context.Rewinds > 0 ? $"-r{context.Rewinds}" : "");
        var id = $"{context.Durable.InstanceId}:{name}{suffix}";
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
