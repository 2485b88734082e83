using Microsoft.Extensions.AI;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;

namespace Polyphony.Testing;

/// <summary>Answers for every model of every provider by the script.</summary>
internal sealed class ScriptedModels(ModelScript script) : IModelRegistry
{
    public ResolvedModel Resolve(WorkflowDefinition workflow, string alias) =>
        new(new Client(script, alias), workflow.Models.GetValueOrDefault(alias) ?? new ModelDefinition { Name = alias, Provider = "scripted" });

    private sealed class Client(ModelScript script, string alias) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var call = CurrentCall.Value;
            return Task.FromResult(script.Answer(new ModelCall(call?.Agent ?? "", call?.Scope.Activation ?? "", alias, [.. messages], options)));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException("Model calls of workflows do not stream.");

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
            // Nothing to release.
        }
    }
}
