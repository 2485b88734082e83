using Microsoft.Azure.Functions.Worker;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Hosting;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The entity functions.</summary>
/// <param name="functions">What they run.</param>
public sealed class EntityTriggers(AppFunctions functions)
{
    /// <summary>Gives the messages of a topic their numbers and passes them to mailboxes.</summary>
    /// <param name="dispatcher">The operations.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>A task that completes when they have run.</returns>
    [Function(TaskNames.TopicEntity)]
    public Task TopicAsync([EntityTrigger] TaskEntityDispatcher dispatcher, FunctionContext invocation) => functions.RunEntityAsync(dispatcher, invocation);

    /// <summary>Keeps dead letters.</summary>
    /// <param name="dispatcher">The operations.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>A task that completes when they have run.</returns>
    [Function(TaskNames.DeadLettersEntity)]
    public Task DeadLettersAsync([EntityTrigger] TaskEntityDispatcher dispatcher, FunctionContext invocation) => functions.RunEntityAsync(dispatcher, invocation);
}
