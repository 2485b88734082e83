using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polyphony.Activities.Tools;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Apps;

/// <summary>Adds workflows, tools and models to an app. Problems are reported when the app starts.</summary>
public sealed class PolyphonyBuilder
{
    internal PolyphonyBuilder(IServiceCollection services) => Services = services;

    /// <summary>Gets the app's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a folder of workflow files to those of the options. Files are read again when they change; runs under way keep the definition that they started with.</summary>
    /// <param name="folder">The folder; relative paths start where those of the options do.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddWorkflows(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        Services.AddSingleton(new AppWorkflowFolder(folder));
        return this;
    }

    /// <summary>Adds a workflow that is part of the program, made with <see cref="WorkflowBuilder.Build"/>. It takes precedence over a file of the same name.</summary>
    /// <param name="definition">The workflow.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddWorkflow(WorkflowDefinition definition)
    {
        Services.AddSingleton(new AppDefinition(definition));
        return this;
    }

    /// <summary>Adds a workflow in C#, for logic that a file can't express. It takes precedence over a file of the same name.</summary>
    /// <param name="workflow">Its name, models, agents, limits and input.</param>
    /// <param name="body">Its code. Deterministic: it is replayed.</param>
    /// <param name="workflows">The workflows that the code runs, by name.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid; every problem is listed.</exception>
    public PolyphonyBuilder AddCodeWorkflow(WorkflowBuilder workflow, CodeWorkflowFunction body, params IEnumerable<string> workflows) =>
        Add(new CodeWorkflows().Add(workflow, body, workflows));

    /// <summary>Adds a workflow in C# with a typed input and output; each start checks the input against the type's schema.</summary>
    /// <typeparam name="TInput">The input.</typeparam>
    /// <typeparam name="TOutput">The output.</typeparam>
    /// <param name="workflow">Its name, models, agents and limits.</param>
    /// <param name="body">Its code. Deterministic: it is replayed.</param>
    /// <param name="workflows">The workflows that the code runs, by name.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid; every problem is listed.</exception>
    public PolyphonyBuilder AddCodeWorkflow<TInput, TOutput>(WorkflowBuilder workflow, CodeWorkflowFunction<TInput, TOutput> body, params IEnumerable<string> workflows) =>
        Add(new CodeWorkflows().Add(workflow, body, workflows));

    /// <summary>
    /// Adds the tools of a class: its public methods that have a <see cref="DescriptionAttribute"/>, each under its name in snake case without <c>Async</c> (<c>FindOrderAsync</c>:
    /// <c>find_order</c>), or under that of its <see cref="DisplayNameAttribute"/>.
    /// </summary>
    /// <typeparam name="T">
    /// The class. Unless it is registered already, it is registered as scoped: every call has a scope of its own, from which the instance and what it depends on come. Several calls may run at the
    /// same time. A method throws <see cref="ToolException"/> to say that the call had no effect, and whether another attempt is of use.
    /// </typeparam>
    /// <param name="options">What the tools declare of their calls, by the tool's name; <see langword="null"/> for one that declares nothing.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException">No method has a description, one is generic, or two give tools of one name.</exception>
    public PolyphonyBuilder AddTool<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] T>(
        Func<string, ToolOptions?>? options = null)
        where T : class
    {
        Services.TryAddScoped<T>();
        foreach (var function in ToolClass.Functions(typeof(T)))
        {
            AddTool(function, options?.Invoke(function.Name));
        }

        return this;
    }

    /// <summary>Adds a tool. Every call has its own scope, whose services are in <see cref="AIFunctionArguments.Services"/>.</summary>
    /// <param name="function">
    /// The function, such as one of <see cref="AIFunctionFactory"/>. Several calls may run at the same time. It throws <see cref="ToolException"/> to say that the call had no effect, and whether
    /// another attempt is of use. <see cref="ToolCallContext"/> has the key of the call's effect.
    /// </param>
    /// <param name="options">What the tool declares of its calls; by default a call that may have happened is not made again, and a person is asked.</param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddTool(AIFunction function, ToolOptions? options = null)
    {
        Services.AddSingleton(services =>
        {
            var scopes = services.GetRequiredService<IServiceScopeFactory>();
            return new AppTool(new ScopedFunction(function, scopes), options is { Check: { } check } ? options with { Check = ScopedFunction.Scoped(check, scopes) } : options);
        });
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
    /// Adds a provider of models: the chat client of any library, such as those for Anthropic, Ollama or Bedrock. A model names it with <c>provider: NAME</c>; its <c>model</c> is passed as
    /// <see cref="ChatOptions.ModelId"/>. Keyed <see cref="IChatClient"/> services are found under their key without this call.
    /// </summary>
    /// <param name="name">The provider's name. It may replace one of Polyphony's own (<c>openai</c>, <c>azure-openai</c>, <c>offline</c>).</param>
    /// <param name="create">
    /// Creates the client once; it is disposed of with the app. It must not invoke functions or retry by itself: the workflow does both and records them.
    /// </param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddChatClient(string name, Func<IServiceProvider, IChatClient> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddSingleton(new AppChatClient(name));
        Services.AddKeyedSingleton(name, (services, _) => create(services));
        return this;
    }

    /// <summary>
    /// Adds an agent of Microsoft Agent Framework as a provider of models: an agent of a workflow whose model says <c>provider: NAME</c> is answered by it. Each call is a run of the agent in a new
    /// session with the workflow's messages, recorded, limited and retried like a model call. The agent brings its own model, instructions and tools.
    /// </summary>
    /// <param name="name">The provider's name.</param>
    /// <param name="create">
    /// Gets the agent, once. It must be usable by several calls at once. Its own tools are called inside its run: they are not recorded, and a run that is repeated calls them again.
    /// </param>
    /// <returns>This builder.</returns>
    public PolyphonyBuilder AddAIAgent(string name, Func<IServiceProvider, AIAgent> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        return AddChatClient(name, services => new AIAgentChatClient(name, create(services)));
    }

    private PolyphonyBuilder Add(CodeWorkflows workflow)
    {
        Services.AddSingleton(new AppCodeWorkflow(workflow));
        return this;
    }
}
