using Polyphony.Core.Client;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

internal static class StatusExtensions
{
    public static string Reason(this WorkflowStatus status) => status.StopReason is { } reason ? StopReasons.Name(reason) : "none";
}
