using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Polyphony.Hosting.Tools;

/// <summary>A tool of an app.</summary>
/// <param name="Function">The function.</param>
internal sealed record AppTool(AIFunction Function);

/// <summary>A function that gets services of its own for every call.</summary>
/// <param name="function">The function.</param>
/// <param name="scopes">Makes the scopes.</param>
internal sealed class ScopedFunction(AIFunction function, IServiceScopeFactory scopes) : DelegatingAIFunction(function)
{
    /// <inheritdoc/>
    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        arguments.Services = scope.ServiceProvider;
        return await base.InvokeCoreAsync(arguments, cancellationToken);
    }
}
