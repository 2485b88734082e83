using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>Lets the members of a team speak, one at a time, until it is over.</summary>
internal sealed class TeamNodeRunner(ActivationContext context) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var task = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Prompt), activation.Scope);
        return task.Error is { } error
            ? new WorkResult { Error = error, Attempts = 1 }
            : await new TeamConversation(context, activation, limit, task.Value ?? Payload.Null).RunAsync();
    }
}
