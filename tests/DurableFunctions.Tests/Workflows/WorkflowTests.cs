using Polyphony.Core.Runs;

namespace Polyphony.DurableFunctions.Tests.Workflows;

public sealed class WorkflowTests : WorkflowContract
{
    private protected override Task<WorkflowHost> StartAsync(InterpreterOptions? interpreter = null, HostTools? tools = null) => WorkflowHost.InMemoryAsync(interpreter, tools: tools);
}

public sealed class WorkflowStorageTests : WorkflowContract
{
    private protected override Task<WorkflowHost> StartAsync(InterpreterOptions? interpreter = null, HostTools? tools = null) => WorkflowHost.OnAzureStorageAsync(interpreter, tools: tools);
}
