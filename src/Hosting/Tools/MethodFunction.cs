using System.Reflection;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Polyphony.Hosting.Tools;

/// <summary>A method of a class that comes from the services of each call.</summary>
internal sealed class MethodFunction : DelegatingAIFunction
{
    private readonly MethodInfo _method;
    private readonly Type _type;
    private readonly AIFunctionFactoryOptions _options;

    private MethodFunction(AIFunction shape, MethodInfo method, Type type, AIFunctionFactoryOptions options)
        : base(shape)
    {
        _method = method;
        _type = type;
        _options = options;
    }

    /// <summary>Makes the function.</summary>
    /// <param name="method">The method.</param>
    /// <param name="type">The class.</param>
    /// <param name="name">The tool's name.</param>
    /// <returns>The function.</returns>
    public static AIFunction Create(MethodInfo method, Type type, string name)
    {
        var options = new AIFunctionFactoryOptions { Name = name };
        return method.IsStatic
            ? AIFunctionFactory.Create(method, target: null, options)
            : new MethodFunction(AIFunctionFactory.Create(method, static _ => throw new InvalidOperationException("Only the schema of this function is used."), options), method, type, options);
    }

    // The scope makes the instance and disposes of it. A function that makes its own would dispose of singletons as well.
    /// <inheritdoc/>
    protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
        AIFunctionFactory.Create(_method, arguments.Services!.GetRequiredService(_type), _options).InvokeAsync(arguments, cancellationToken);
}
