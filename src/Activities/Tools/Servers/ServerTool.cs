using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>A tool of a server.</summary>
/// <param name="connection">The connection.</param>
/// <param name="tool">The server's name for it.</param>
/// <param name="description">What the server says that it does.</param>
/// <param name="schema">The schema of its arguments.</param>
internal sealed class ServerTool(ToolServerConnection connection, string tool, string description, JsonElement schema) : AIFunction
{
    /// <inheritdoc/>
    public override string Name { get; } = $"{connection.Name}.{tool}";

    /// <inheritdoc/>
    public override string Description => description;

    /// <inheritdoc/>
    public override JsonElement JsonSchema => schema;

    /// <inheritdoc/>
    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
        await connection.CallAsync(tool, arguments, ToolCallContext.Of(arguments)?.EffectKey, cancellationToken);
}
