using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Tools.Http;

/// <summary>The tools that workflows describe as HTTP requests. Thread-safe.</summary>
/// <param name="client">Makes the requests.</param>
/// <param name="policy">Which addresses they may call: as the settings are now, whatever they were when an instance started.</param>
/// <param name="timeProvider">The clock, for a Retry-After that is a date.</param>
/// <param name="variable">Reads an environment variable. Default: that of the process.</param>
internal sealed class HttpTools(ToolHttpClient client, EndpointPolicy policy, TimeProvider timeProvider, Func<string, string?>? variable = null) : IToolSource
{
    private readonly Func<string, string?> _variable = variable ?? Environment.GetEnvironmentVariable;

    /// <inheritdoc/>
    public ValueTask<ResolvedTool?> FindAsync(WorkflowDefinition workflow, string name, CancellationToken cancellationToken) => ValueTask.FromResult(
        workflow.Tools.GetValueOrDefault(name) is HttpToolDefinition tool
            ? new ResolvedTool(new HttpTool(tool, client, policy, timeProvider, _variable), tool.Parameters ?? ToolDefinition.NoParameters) { Options = tool.IsIdempotent ? ToolOptions.OfIdempotent : ToolOptions.None, Timeout = tool.Http.Timeout }
            : null);
}
