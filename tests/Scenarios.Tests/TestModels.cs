using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;

namespace Polyphony.Scenarios.Tests;

/// <summary>Models that answer by a function of the conversation. Counts calls in flight.</summary>
internal sealed class TestModels : IModelRegistry, IChatClient
{
    private int _inFlight;
    private int _maxInFlight;
    private int _calls;

    public delegate Task<ChatResponse> Answer(string model, IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken);

    /// <summary>Gets or sets how calls are answered; by default with the last message's text.</summary>
    public Answer Respond { get; set; } = (_, messages, _, _) => Task.FromResult(Text(messages[^1].Text));

    public int Calls => _calls;

    public int MaxInFlight => _maxInFlight;

    public static ChatResponse Text(string text, int inputTokens = 10, int outputTokens = 5) => new(new ChatMessage(ChatRole.Assistant, text))
    {
        FinishReason = ChatFinishReason.Stop,
        ModelId = "test-model",
        Usage = new UsageDetails { InputTokenCount = inputTokens, OutputTokenCount = outputTokens },
    };

    public ResolvedModel Resolve(WorkflowDefinition workflow, string alias) =>
        new(new Named(this, alias), workflow.Models.GetValueOrDefault(alias) ?? new ModelDefinition { Name = alias, Provider = "test" });

    public async Task<ChatResponse> RespondAsync(string model, IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        var inFlight = Interlocked.Increment(ref _inFlight);
        for (var max = _maxInFlight; inFlight > max; max = _maxInFlight)
        {
            Interlocked.CompareExchange(ref _maxInFlight, inFlight, max);
        }

        try
        {
            return await Respond(model, [.. messages], options, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    Task<ChatResponse> IChatClient.GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        RespondAsync("", messages, options, cancellationToken);

    IAsyncEnumerable<ChatResponseUpdate> IChatClient.GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    object? IChatClient.GetService(Type serviceType, object? serviceKey) => null;

    public void Dispose()
    {
        // Nothing to release.
    }

    private sealed class Named(TestModels models, string alias) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            models.RespondAsync(alias, messages, options, cancellationToken);

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
            // Shared.
        }
    }
}
