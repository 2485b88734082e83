using System.Diagnostics;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Providers;
using Polyphony.Core.Ledger;
using Polyphony.Core.Telemetry;

namespace Polyphony.Activities.Telemetry;

/// <summary>One request to a model, as spans and metrics show it.</summary>
internal sealed class ChatOperation : IDisposable
{
    private readonly TimeProvider _timeProvider;
    private readonly long _begun;
    private readonly Activity? _span;
    private readonly bool _showsMessages;
    private TagList _tags;
    private bool _ended;

    private ChatOperation(ResolvedModel model, Conversation conversation, bool showsMessages, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _showsMessages = showsMessages;
        _begun = timeProvider.GetTimestamp();
        var name = model.Definition.Model ?? model.Definition.Name;
        _tags = new TagList
        {
            { SpanNames.Operation, SpanNames.Chat },
            { SpanNames.Provider, ProviderNames.Of(model.Definition.Provider) },
            { SpanNames.RequestModel, name },
        };
        if (((model.Client.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.ProviderUri ?? model.Definition.Endpoint) is { IsAbsoluteUri: true } server)
        {
            _tags.Add(SpanNames.ServerAddress, server.Host);
            _tags.Add(SpanNames.ServerPort, server.Port);
        }

        // A child of the agent's step, which is what goes on at this moment.
        _span = PolyphonyTelemetry.Source.StartActivity(ActivityKind.Client, tags: _tags, name: $"{SpanNames.Chat} {name}");
        if (_span is { IsAllDataRequested: true })
        {
            Describe(conversation);
        }
    }

    /// <summary>Begins it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="conversation">What is sent.</param>
    /// <param name="showsMessages">Whether the span may have what is sent and answered.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <returns>The operation; <see langword="null"/> if nobody listens.</returns>
    public static ChatOperation? Begin(ResolvedModel model, Conversation conversation, bool showsMessages, TimeProvider timeProvider) =>
        PolyphonyTelemetry.Source.HasListeners() || CallMetrics.HasListeners ? new ChatOperation(model, conversation, showsMessages, timeProvider) : null;

    /// <summary>Notes the answer, which ends it.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="recorded">What the ledger keeps of it.</param>
    public void Answer(ChatResponse response, LedgerAnswer recorded)
    {
        if (recorded.ResponseModel is { } responseModel)
        {
            _tags.Add(SpanNames.ResponseModel, responseModel);
        }

        CallMetrics.NoteUsage(recorded.InputTokens, recorded.OutputTokens, recorded.CostUsd, _tags);
        if (_span is { IsAllDataRequested: true })
        {
            Describe(_span, response, recorded);
        }

        Dispose();
    }

    private void Describe(Activity span, ChatResponse response, LedgerAnswer recorded)
    {
        span.SetTag(SpanNames.ResponseModel, recorded.ResponseModel)
            .SetTag(SpanNames.ResponseId, recorded.ProviderRequestId)
            .SetTag(SpanNames.FinishReasons, recorded.FinishReason is { } reason ? new[] { reason } : null)
            .SetTag(SpanNames.InputTokens, recorded.InputTokens)
            .SetTag(SpanNames.OutputTokens, recorded.OutputTokens)
            .SetTag(SpanNames.CachedTokens, recorded.CachedInputTokens > 0 ? recorded.CachedInputTokens : null)
            .SetTag(SpanNames.ReasoningTokens, recorded.ReasoningTokens > 0 ? recorded.ReasoningTokens : null)
            .SetTag(SpanNames.Cost, (double?)recorded.CostUsd);
        if (_showsMessages)
        {
            span.SetTag(SpanNames.OutputMessages, MessageText.Write(response.Messages, recorded.FinishReason));
        }
    }

    /// <summary>Notes why there is no answer, which ends it.</summary>
    /// <param name="code">The code.</param>
    public void Fail(string code)
    {
        _tags.Add(SpanNames.ErrorType, code);
        _span?.Fail(code);
        Dispose();
    }

    /// <summary>Ends it, if it has not ended.</summary>
    public void Dispose()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        CallMetrics.NoteChat(_timeProvider.GetElapsedTime(_begun).TotalSeconds, _tags);
        _span?.Dispose();
    }

    private void Describe(Conversation conversation)
    {
        _span!.SetTag(SpanNames.Temperature, conversation.Options.Temperature).SetTag(SpanNames.MaxTokens, conversation.Options.MaxOutputTokens);
        if (_showsMessages)
        {
            _span.SetTag(SpanNames.InputMessages, MessageText.Write(conversation.Messages, null));
        }
    }
}
