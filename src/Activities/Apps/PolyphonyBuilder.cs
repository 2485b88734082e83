using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polyphony.Activities.Tools;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Apps;

/// <summary>Adds workflows, tools and models to Polyphony in an app. What does not fit together is reported when the app starts.</summary>
public sealed class PolyphonyBuilder
{
    internal PolyphonyBuilder(IServiceCollection services) => Services = services;

    /// <summary>Gets the app's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a folder of workflow files beside that of the options. Files are read again when they change; runs under way keep what they started with.</summary>
    /// <param name="folder">The folder; a relative one begins where those of the options do.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddWorkflows(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        Services.AddSingleton(new AppWorkflowFolder(folder));
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

    /// <summary>Adds a workflow in C#, for logic that a file can't express. It counts before a file of the same name.</summary>
    /// <param name="workflow">Its name, models, agents, limits and input.</param>
    /// <param name="body">Its code. Deterministic: it is replayed.</param>
    /// <param name="workflows">The workflows that the code runs, by name.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="WorkflowInvalidException">Something of the workflow is wrong; every problem is listed.</exception>
    public PolyphonyBuilder AddCodeWorkflow(WorkflowBuilder workflow, CodeWorkflowFunction body, params IEnumerable<string> workflows) =>
        Add(new CodeWorkflows().Add(workflow, body, workflows));

    /// <summary>Adds a workflow in C# with an input and an output of types; the schema of the input is checked at each start.</summary>
    /// <typeparam name="TInput">The input.</typeparam>
    /// <typeparam name="TOutput">The output.</typeparam>
    /// <param name="workflow">Its name, models, agents and limits.</param>
    /// <param name="body">Its code. Deterministic: it is replayed.</param>
    /// <param name="workflows">The workflows that the code runs, by name.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="WorkflowInvalidException">Something of the workflow is wrong; every problem is listed.</exception>
    public PolyphonyBuilder AddCodeWorkflow<TInput, TOutput>(WorkflowBuilder workflow, CodeWorkflowFunction<TInput, TOutput> body, params IEnumerable<string> workflows) =>
        Add(new CodeWorkflows().Add(workflow, body, workflows));

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

    /// <summary>Adds a server of tools that speaks MCP, beside those of the settings. Workflows name its tools as <c>SERVER.TOOL</c>. It is started or reached when one of them is first needed.</summary>
    /// <param name="name">The server's name: a letter, then letters, digits, <c>_</c> and <c>-</c>, at most 32 in all.</param>
    /// <param name="server">The server.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddToolServer(string name, ToolServer server)
    {
        Services.AddSingleton(new AppToolSettings(new ToolSettings { Servers = new Dictionary<string, ToolServer>(StringComparer.Ordinal) { [name] = server } }));
        return this;
    }

    /// <summary>Adds a folder that the tools <c>list_files</c> and <c>read_file</c> may read: paths in it begin with <c>NAME:</c>.</summary>
    /// <param name="name">The name: a letter, then letters, digits, <c>_</c> and <c>-</c>, at most 32 in all.</param>
    /// <param name="folder">The folder; a relative one begins where those of the options do.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddFiles(string name, string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        if (!ToolSettings.IsName(name))
        {
            throw new ArgumentException($"\"{name}\" is no name of a folder. Use a letter, then letters, digits, \"_\" and \"-\", at most 32 in all.", nameof(name));
        }

        Services.AddSingleton(new AppToolSettings(new ToolSettings { Files = new Dictionary<string, string>(StringComparer.Ordinal) { [name] = folder } }));
        return this;
    }

    /// <summary>Lets the HTTP tools of workflows call an address, beside those of the settings.</summary>
    /// <param name="endpoint">The address, a pattern as in <see cref="AllowedEndpoint"/>, such as <c>https://api.example.com/v1</c>.</param>
    /// <param name="apiKeyVariable">The environment variable whose value goes there; <see langword="null"/>: the address is called without a key.</param>
    /// <param name="privateNetwork">Whether its name may stand for an address of this machine or of a private network.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AllowToolEndpoint(string endpoint, string? apiKeyVariable = null, bool privateNetwork = false)
    {
        if (AllowedEndpoint.Problem(endpoint) is { } problem)
        {
            throw new ArgumentException($"\"{endpoint}\" {problem}.", nameof(endpoint));
        }

        if (apiKeyVariable is not null && AllowedEndpoint.IsOfTheHost(apiKeyVariable))
        {
            throw new ArgumentException($"{apiKeyVariable} belongs to the host and goes to no address that a workflow names. Give the tool a key of its own in another variable.", nameof(apiKeyVariable));
        }

        Services.AddSingleton(new AppToolSettings(new ToolSettings { Endpoints = [new AllowedToolEndpoint(endpoint, apiKeyVariable, privateNetwork)] }));
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

    private PolyphonyBuilder Add(CodeWorkflows workflow)
    {
        Services.AddSingleton(new AppCodeWorkflow(workflow));
        return this;
    }
}
