using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Polyphony.Activities.Tools;

namespace Polyphony.Activities.Apps;

/// <summary>A tool of an app.</summary>
/// <param name="Function">The function.</param>
/// <param name="Options">What it declares of its calls.</param>
/// <param name="IsFake">Whether it stands in a test for a tool of that name, also for one of Polyphony's own.</param>
internal sealed record AppTool(AIFunction Function, ToolOptions? Options = null, bool IsFake = false)
{
    /// <summary>Adds it to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <exception cref="ArgumentException">The name is taken; or its schema can't be checked.</exception>
    public void AddTo(ToolRegistry registry)
    {
        if (IsFake)
        {
            registry.Remove(Function.Name);
        }

        registry.Add(Function, Options);
    }
}

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

    /// <summary>Gives a check services of its own for every call.</summary>
    /// <param name="check">The check.</param>
    /// <param name="scopes">Makes the scopes.</param>
    public static Func<ToolCheck, CancellationToken, ValueTask<ToolCheckResult>> Scoped(Func<ToolCheck, CancellationToken, ValueTask<ToolCheckResult>> check, IServiceScopeFactory scopes) =>
        async (call, cancellationToken) =>
        {
            await using var scope = scopes.CreateAsyncScope();
            return await check(call with { Services = scope.ServiceProvider }, cancellationToken);
        };
}
