using Polyphony.Core.Runs;

namespace Polyphony.DurableFunctions.Tests.Workflows;

public sealed class WorkflowTests : WorkflowContract
{
    private protected override Task<WorkflowHost> StartAsync(InterpreterOptions? interpreter = null) => WorkflowHost.InMemoryAsync(interpreter);
}

public sealed class WorkflowStorageTests : WorkflowContract
{
    private protected override Task<WorkflowHost> StartAsync(InterpreterOptions? interpreter = null) => WorkflowHost.OnAzureStorageAsync(interpreter);
}
