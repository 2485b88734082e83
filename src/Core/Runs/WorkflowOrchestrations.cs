using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Schedules;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Runs;

/// <summary>The orchestrator functions that run workflow files, and those that handle the messages of topics.</summary>
public static class WorkflowOrchestrations
{
    /// <summary>Adds them to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="definitions">Where pinned definitions are kept.</param>
    /// <param name="options">How the interpreter divides its work.</param>
    /// <param name="code">The workflows of the program that are written in C#.</param>
    /// <returns>The registry.</returns>
    public static DurableRegistry AddWorkflows(this DurableRegistry registry, IDefinitionStore definitions, InterpreterOptions? options = null, CodeWorkflows? code = null)
    {
        var plans = new PlanCache(definitions);
        options ??= new InterpreterOptions();

        // Instances outlive updates of the host. What they call stays the same; how it is written down may not.
        return registry
            .AddOrchestration(TaskNames.WorkflowOrchestration, (context, input) =>
            {
                var run = JsonSerializer.Deserialize(input!, CoreJsonContext.Default.WorkflowInput)!;
                return run.PackedState is null ? new WorkflowRunner(context, run, plans, options, code).RunAsync() : GoOnAsync(context, run, plans, options, code);
            }, compareInputs: false)
            .AddOrchestration(TaskNames.ItemsOrchestration, (context, input) =>
            {
                var run = JsonSerializer.Deserialize(input!, CoreJsonContext.Default.ItemsInput)!;
                return new ItemsInstance(context, run, plans).RunAsync();
            }, compareInputs: false)
            .AddOrchestration(
                TaskNames.MailboxOrchestration,
                (context, input) => MailboxOrchestration.RunAsync(context, JsonSerializer.Deserialize(input!, CoreJsonContext.Default.MailboxInput)!, plans, options),
                compareInputs: false,
                isEternal: true)
            .AddOrchestration(
                TaskNames.LockOrchestration,
                (context, input) => LockOrchestration.RunAsync(context, JsonSerializer.Deserialize(input!, CoreJsonContext.Default.LockInput)!, options),
                compareInputs: false)
            .AddEntity(TaskNames.TopicEntity, TopicEntity.RunAsync)
            .AddEntity(TaskNames.DeadLettersEntity, DeadLetterEntity.RunAsync)
            .AddOrchestration(TaskNames.ScheduleOrchestration, (context, input) => ScheduleOrchestration.RunAsync(context, input, options.LooksPerInstance), compareInputs: false);
    }

    /// <summary>Continues from a state that is too large to be passed on unchanged.</summary>
    private static async Task<string?> GoOnAsync(OrchestrationContext context, WorkflowInput run, PlanCache plans, InterpreterOptions options, CodeWorkflows? code)
    {
        var state = await run.PackedState!.LoadAsync(new RunCalls(context, plans.Get(run.DefinitionHash).Definition, run.RootInstanceId ?? context.InstanceId));
        return await new WorkflowRunner(context, run with { State = state, PackedState = null }, plans, options, code).RunAsync();
    }
}
