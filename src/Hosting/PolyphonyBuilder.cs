using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polyphony.Activities.Tools;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Hosting.Models;
using Polyphony.Hosting.Tools;
using Polyphony.Hosting.Workflows;

namespace Polyphony.Hosting;

/// <summary>Adds workflows, tools and models to Polyphony in an app. What does not fit together is reported when the app starts.</summary>
public sealed class PolyphonyBuilder
{
    internal PolyphonyBuilder(IServiceCollection services) => Services = services;

    /// <summary>Gets the app's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a folder of workflow files, as <see cref="PolyphonyOptions.WorkflowFolders"/> does. Files are read again when they change; runs under way keep what they started with.</summary>
    /// <param name="folder">The folder; a relative one begins at the content root.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddWorkflows(string folder)
    {
        Services.Configure<PolyphonyOptions>(options => options.WorkflowFolders.Add(folder));
        return this;
    }

    /// <summary>Adds a workflow that is part of the program, made with <see cref="WorkflowBuilder.Build"/>. It counts before a file of the same name.</summary>
    /// <param name="definition">The workflow.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddWorkflow(WorkflowDefinition definition)
    {
        Services.AddSingleton(new AppDefinition(definition));
        return this;
    }

    /// <summary>Adds a workflow in C#, for logic that a file can't express. Start it with <see cref="Core.Durable.DurableClient.StartAsync"/> under its name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="agents">Its models, agents and limits, made with <see cref="WorkflowBuilder.BuildAgents"/>.</param>
    /// <param name="body">Its code. Deterministic: it is replayed.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddCodeWorkflow(string name, WorkflowDefinition agents, CodeWorkflowFunction body)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddSingleton(new AppCodeWorkflow(name, agents, body));
        return this;
    }

    /// <summary>
    /// Adds the tools of a class: its public methods that have a <see cref="DescriptionAttribute"/>, each under its name in snake case without <c>Async</c> (<c>FindOrderAsync</c>:
    /// <c>find_order</c>), or under that of its <see cref="DisplayNameAttribute"/>.
    /// </summary>
    /// <typeparam name="T">
    /// The class. Unless it is registered already, it is registered as scoped: every call has a scope of its own, from which the instance and what it depends on come. A call may run more than once
    /// (at least once), and several at the same time. A method throws <see cref="ToolException"/> to say that another attempt is no use.
    /// </typeparam>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException">No method has a description, one is generic, or two give tools of one name.</exception>
    public PolyphonyBuilder AddTool<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] T>()
        where T : class
    {
        Services.TryAddScoped<T>();
        foreach (var function in ToolClass.Functions(typeof(T)))
        {
            AddTool(function);
        }

        return this;
    }

    /// <summary>Adds a tool. Every call has a scope of its own, whose services are in <see cref="AIFunctionArguments.Services"/>.</summary>
    /// <param name="function">
    /// The function, such as one of <see cref="AIFunctionFactory"/>. It may run more than once for one call (at least once), and several calls may run at the same time. It throws
    /// <see cref="ToolException"/> to say that another attempt is no use.
    /// </param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddTool(AIFunction function)
    {
        Services.AddSingleton(services => new AppTool(new ScopedFunction(function, services.GetRequiredService<IServiceScopeFactory>())));
        return this;
    }

    /// <summary>
    /// Adds a provider of models: a chat client of any library that has one, such as those for Anthropic, Ollama or Bedrock. A model names it with <c>provider: NAME</c>; its <c>model</c> is passed as
    /// <see cref="ChatOptions.ModelId"/>. Clients that are keyed <see cref="IChatClient"/> services already are found under their key without this call.
    /// </summary>
    /// <param name="name">The provider's name. One that Polyphony has itself (<c>openai</c>, <c>azure-openai</c>, <c>offline</c>) is replaced.</param>
    /// <param name="create">
    /// Makes the client, once; it is disposed of with the app. It must make no calls of functions and no attempts of its own: both are for the workflow, which records them.
    /// </param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddChatClient(string name, Func<IServiceProvider, IChatClient> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddSingleton(new AppChatClient(name));
        Services.AddKeyedSingleton(name, (services, _) => create(services));
        return this;
    }
}
