using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Context.Features;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.DurableTask.Client;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>What an invocation needs before its function runs: handlers, and the app's own functions with a <c>WorkflowClient</c>, reach the task hub by the client that is bound to the invocation.</summary>
/// <param name="settings">The settings.</param>
/// <param name="source">Takes the client of each invocation that has one.</param>
internal sealed class PolyphonyMiddleware(FunctionsSettings settings, DurableClientSource source) : IFunctionsWorkerMiddleware
{
    private const string DurableClientBinding = "durableClient";

    /// <inheritdoc/>
    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        // What is bound here is not bound again.
        if (HasClient(context) && context.Features.Get<IFunctionInputBindingFeature>() is { } inputs
            && (await inputs.BindFunctionInputAsync(context)).Values.OfType<DurableTaskClient>().FirstOrDefault() is { } client)
        {
            source.Use(client);
        }

        // Links in answers begin with the path base. Routing is over by now.
        if (settings.Routes.PathBase.Length > 0 && FunctionIndex.IsOurs(context.FunctionDefinition.EntryPoint) && context.GetHttpContext()?.Request is { } request
            && request.Path.StartsWithSegments(settings.Routes.PathBase, StringComparison.OrdinalIgnoreCase, out var prefix, out var rest))
        {
            request.PathBase = request.PathBase.Add(prefix);
            request.Path = rest;
        }

        await next(context);
    }

    private static bool HasClient(FunctionContext context) =>
        context.FunctionDefinition.InputBindings.Values.Any(binding => binding.Type.Equals(DurableClientBinding, StringComparison.OrdinalIgnoreCase));
}
