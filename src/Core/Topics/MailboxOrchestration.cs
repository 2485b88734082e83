using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>
/// The orchestrator function of a mailbox: it takes the messages of one subscriber and source in the order of their numbers, one at a time, and lets a run of the subscriber's workflow handle each. The
/// new state, the acknowledgement and what the run publishes are one step of this instance.
/// </summary>
/// <remarks>
/// A run that fails is tried again by the subscription's retry policy, under the same step ids in the ledger, so that no answered model call is paid again. After that the message becomes a dead letter,
/// and the next one has its turn. The instance never ends: it continues as new after some messages, and waits for the next.
/// </remarks>
internal sealed class MailboxOrchestration
{
    /// <summary>How many days a message id is remembered at least.</summary>
    public const int DaysRemembered = 7;

    // A message takes about five operations: its event, its run, and what goes out with the acknowledgement.
    private const int OperationsPerMessage = 5;
    private const int KeyLength = 16;
    private const int MostUsedIds = 1_000;
    private const string SummaryQuestion = "What was said before?";

    private readonly OrchestrationContext _context;
    private readonly MailboxInput _input;
    private readonly PlanCache _plans;
    private readonly InterpreterOptions _options;
    private readonly MailboxQueue _queue;
    private readonly Dictionary<int, HashSet<string>> _seen = [];
    private MailboxState _state;
    private int _taken;

    private MailboxOrchestration(OrchestrationContext context, MailboxInput input, MailboxState? state, PlanCache plans, InterpreterOptions options)
    {
        _context = context;
        _input = input;
        _plans = plans;
        _options = options;
        _state = state ?? new MailboxState();
        _queue = new MailboxQueue(_state.LastNumber, (_state.Early ?? []).Append(input.First).OfType<MailboxMessage>(), _state.Taken);
        foreach (var (day, keys) in _state.Seen ?? new Dictionary<int, string>())
        {
            _seen[day] = [.. Enumerable.Range(0, keys.Length / KeyLength).Select(i => keys.Substring(i * KeyLength, KeyLength))];
        }
    }

    /// <summary>Runs a generation of a mailbox.</summary>
    public static async Task<string?> RunAsync(OrchestrationContext context, MailboxInput input, PlanCache plans, InterpreterOptions options)
    {
        if (input.First is { } first)
        {
            // Only once there is a step on record: an engine may drop what is sent to an instance that has none.
            await context.CreateTimerAsync(context.CurrentUtcDateTime);
            context.SignalEntity(
                TopicNames.Topic(input.Topic, input.Source), TopicEntity.Open, JsonSerializer.Serialize(new OpenMailbox(context.InstanceId, first.Id), CoreJsonContext.Default.OpenMailbox));
        }

        var state = input.StoredState is { } parts ? JsonSerializer.Deserialize(await StoredText.LoadAsync(context, parts), CoreJsonContext.Default.MailboxState) : input.State;
        return await new MailboxOrchestration(context, input, state, plans, options).RunAsync();
    }

    private async Task<string?> RunAsync()
    {
        do
        {
            var message = await NextAsync();
            _taken++;
            if (IsKnown(message))
            {
                _state = _state with { Duplicates = _state.Duplicates + 1 };
            }
            else
            {
                await HandleOrGiveUpAsync(message);
            }

            _state = _state with { LastNumber = _queue.LastNumber, Handled = _state.Handled + 1 };
            Show(null);
        }
        while (_taken * OperationsPerMessage < _options.OperationsPerGeneration);

        var next = Write(new MailboxInput(_input.Topic, _input.Source, _input.Workflow, _input.Subscription) { State = Saved() });
        if (Encoding.UTF8.GetByteCount(next) > _options.MaxGenerationBytes)
        {
            next = Write(_input with { First = null, State = null, StoredState = await StoredText.StoreAsync(_context, JsonSerializer.Serialize(Saved(), CoreJsonContext.Default.MailboxState)) });
        }

        _context.ContinueAsNew(next);
        return null;

        static string Write(MailboxInput input) => JsonSerializer.Serialize(input, CoreJsonContext.Default.MailboxInput);
    }

    private async Task<MailboxMessage> NextAsync()
    {
        MailboxMessage? next;
        while ((next = _queue.Take()) is null)
        {
            var json = await _context.WaitForExternalEventAsync(EventNames.Message);
            var message = JsonSerializer.Deserialize(json!, CoreJsonContext.Default.MailboxMessage)!;
            _queue.Add(message, IsKnown(message));
        }

        return next;
    }

    /// <summary>Handles a message. Whatever stands against that is the message's end, and not that of the mailbox, in which others wait.</summary>
    private async Task HandleOrGiveUpAsync(MailboxMessage message)
    {
        try
        {
            await HandleAsync(message);
        }
        catch (TaskFailedException failed)
        {
            GiveUp(message, message.EarlierAttempts + 1, new WorkflowError(null, failed.FailureDetails.ErrorType, failed.FailureDetails.ErrorMessage), TopicNames.Run(_context.InstanceId, message.Id, 1));
        }
        catch (PolyphonyException exception) when (exception is not NonDeterministicOrchestrationException)
        {
            GiveUp(message, message.EarlierAttempts + 1, new WorkflowError(null, exception.Code, exception.Message), TopicNames.Run(_context.InstanceId, message.Id, 1));
        }
    }

    private async Task HandleAsync(MailboxMessage message)
    {
        var definition = _plans.Get(message.Definition).Definition;
        var subscription = definition.Subscriptions.First(each => each.Name == _input.Subscription);
        if (subscription.Idle is { } idle && _state.LastTime is { } last && message.Time - last > idle)
        {
            _state = _state with { State = null, Conversation = null, ConversationMessages = 0, ConversationSizes = null };
        }

        var policy = subscription.Retry ?? SubscriptionDefinition.DefaultRetry;
        var earlier = message.EarlierAttempts;
        for (var attempt = 1; ; attempt++)
        {
            var (runId, result) = await RunAsync(definition, subscription, message, earlier + attempt, attempt - 1);
            while (result.Error?.Code == InstanceExistsException.ErrorCode && earlier < MostUsedIds)
            {
                // The same message id was handled so long ago that it is not remembered, but its runs are still there.
                (runId, result) = await RunAsync(definition, subscription, message, ++earlier + attempt, attempt - 1);
            }

            _state = _state with { Usage = _state.Usage + result.Usage };
            if (result.StopReason is StopReason.Completed or StopReason.Rejected)
            {
                await AcknowledgeAsync(definition, subscription, message, result);
                return;
            }

            var error = result.Error ?? new WorkflowError(null, StopReasons.Name(result.StopReason), $"The run ended with \"{StopReasons.Name(result.StopReason)}\".");
            if (result.StopReason is not (StopReason.Failed or StopReason.Timeout) || attempt >= policy.MaxAttempts)
            {
                GiveUp(message, earlier + attempt, error, runId);
                return;
            }

            var again = _context.CurrentUtcDateTime + RetryDelays.Of(policy, attempt, runId);
            Show(new MailboxCurrent(message.Id, message.Time, runId, earlier + attempt, again, ErrorText.Shorten(error.Message)));
            await _context.CreateTimerAsync(again);
        }
    }

    private async Task<(string RunId, WorkflowResult Result)> RunAsync(
        WorkflowDefinition definition, SubscriptionDefinition subscription, MailboxMessage message, int attempt, int retries)
    {
        var runId = TopicNames.Run(_context.InstanceId, message.Id, attempt);
        Show(new MailboxCurrent(message.Id, message.Time, runId, attempt) { NeedsPlace = subscription.MaxConcurrency is not null });
        if (await SummarizeAsync(definition, subscription, message, runId, retries) is { } failed)
        {
            return (runId, failed);
        }

        return (runId, await CallAsync(runId, new WorkflowInput
        {
            Workflow = definition.Name,
            DefinitionHash = message.Definition,
            SubWorkflows = message.SubWorkflows,
            Input = message.Data,
            RootInstanceId = _context.InstanceId,

            // The same for every attempt: what was answered in one is used in the next.
            LogicalId = LogicalIdOf(message),
            Depth = 1,
            Rewinds = retries,
            Place = PlaceOf(subscription, message),
            HoldsPublications = true,
            Message = new HandledMessage(ScopeOf(message, attempt), _state.State, _state.Conversation, _state.ConversationMessages),
        }));
    }

    /// <summary>Puts a summary in the place of the older part of a conversation that has become long.</summary>
    /// <returns>The result of the run that was to summarise, if it has failed; <see langword="null"/>: the message can be handled.</returns>
    private async Task<WorkflowResult?> SummarizeAsync(
        WorkflowDefinition definition, SubscriptionDefinition subscription, MailboxMessage message, string runId, int retries)
    {
        var older = _state.ConversationMessages - (subscription.Compact?.Keep ?? 0);
        if (subscription.Compact is not { } compact || older <= 2 || _state.Conversation is not { } conversation || (_state.ConversationSizes ?? []).Sum() <= compact.Above)
        {
            return null;
        }

        var calls = new RunCalls(_context, definition, _context.InstanceId);
        var result = await CallAsync(TopicNames.Summary(runId), new WorkflowInput
        {
            Workflow = definition.Name,
            DefinitionHash = subscription.Summarizer!.Hash,
            Input = Payload.Null,
            RootInstanceId = _context.InstanceId,
            RootWorkflow = definition.Name,
            LogicalId = TopicNames.Summary(LogicalIdOf(message)),
            Depth = 1,
            Rewinds = retries,
            Place = PlaceOf(subscription, message),
            Message = new HandledMessage(
                ScopeOf(message, message.EarlierAttempts + 1),
                Conversation: await calls.PackAsync([.. Enumerable.Range(0, older).Select(conversation.Item)]),
                ConversationMessages: older),
        });
        if (result.StopReason is not StopReason.Completed)
        {
            return result;
        }

        // In the form of a question and its answer, which take turns.
        var text = result.Output ?? Payload.Null;
        var summary = new[]
        {
            ToPayload(new ContextMessage(MessageFilter.Conversation, "user", Payload.Inline(JsonSerializer.SerializeToElement(SummaryQuestion, CoreJsonContext.Default.String)))),
            ToPayload(new ContextMessage(MessageFilter.Conversation, "assistant", text, compact.Agent)),
        };
        _state = _state with
        {
            Conversation = await calls.PackAsync([.. summary, .. Enumerable.Range(older, compact.Keep).Select(conversation.Item)]),
            ConversationMessages = summary.Length + compact.Keep,
            ConversationSizes = [0, text.Bytes, .. _state.ConversationSizes!.TakeLast(compact.Keep)],
            Usage = _state.Usage + result.Usage,
        };
        return null;
    }

    private async Task<WorkflowResult> CallAsync(string runId, WorkflowInput run)
    {
        try
        {
            var json = await _context.CallSubOrchestrationAsync(TaskNames.WorkflowOrchestration, runId, JsonSerializer.Serialize(run, CoreJsonContext.Default.WorkflowInput));
            return JsonSerializer.Deserialize(json!, CoreJsonContext.Default.WorkflowResult)!;
        }
        catch (TaskFailedException failed)
        {
            // Terminated by a person, or it could not be started. Neither gets better by itself.
            return new WorkflowResult
            {
                StopReason = StopReason.Cancelled,
                Error = new WorkflowError(null, failed.FailureDetails.ErrorType, failed.FailureDetails.ErrorMessage),
            };
        }
    }

    /// <summary>Keeps the new state, and sends what was published: with the next step of this instance, all of it or nothing.</summary>
    private async Task AcknowledgeAsync(WorkflowDefinition definition, SubscriptionDefinition subscription, MailboxMessage message, WorkflowResult result)
    {
        var (conversation, messages, sizes) = await ContinueConversationAsync(definition, subscription, message, result.Output ?? Payload.Null);
        foreach (var published in result.Published ?? [])
        {
            Publications.Send(_context, published);
        }

        Remember(message);
        _state = _state with
        {
            State = result.State ?? _state.State,
            Conversation = conversation,
            ConversationMessages = messages,
            ConversationSizes = sizes,
            LastTime = _context.CurrentUtcDateTime,
        };
    }

    private void GiveUp(MailboxMessage message, int attempts, WorkflowError error, string runId)
    {
        var delivery = new Delivery(_context.InstanceId, _input.Subscription, _input.Workflow, message.Definition, message.SubWorkflows);
        var letter = new DeadLetter(
            message.Number,
            new TopicMessage(message.Id, _input.Topic, _input.Source, message.Data, [delivery]),
            message.Time,
            _context.CurrentUtcDateTime,
            attempts,
            error with { Message = ErrorText.Shorten(error.Message) },
            runId);
        _context.SignalEntity(
            TopicNames.DeadLetters(_context.InstanceId, message.Number), DeadLetterEntity.Add, JsonSerializer.Serialize(letter, CoreJsonContext.Default.DeadLetter));
        Remember(message);
        var given = new GivenUpMessage(message.Id, runId, error with { Message = ErrorText.Shorten(error.Message, GivenUpMessage.MaxReasonLength) });
        _state = _state with
        {
            GivenUp = _state.GivenUp + 1,
            LastGivenUp = [.. (_state.LastGivenUp ?? []).TakeLast(GivenUpMessage.MostKept - 1), given],
            LastTime = _context.CurrentUtcDateTime,
        };
    }

    private async Task<(Payload? Conversation, int Messages, IReadOnlyList<long>? Sizes)> ContinueConversationAsync(
        WorkflowDefinition definition, SubscriptionDefinition subscription, MailboxMessage message, Payload answer)
    {
        if (subscription.MaxMessages == 0)
        {
            return (null, 0, null);
        }

        var calls = new RunCalls(_context, definition, _context.InstanceId);
        var (question, agent) = await QuestionAsync(calls, definition, message);
        var (before, count) = (_state.Conversation, _state.ConversationMessages);
        var added = new[]
        {
            ToPayload(new ContextMessage(MessageFilter.Conversation, "user", question)),
            ToPayload(new ContextMessage(MessageFilter.Conversation, "assistant", answer, agent)),
        };
        var kept = Math.Min(count, subscription.MaxMessages - added.Length);
        IReadOnlyList<long>? sizes = subscription.Compact is null ? null : [.. (_state.ConversationSizes ?? []).TakeLast(kept), question.Bytes, answer.Bytes];
        var conversation = before is null ? await calls.PackAsync(added)
            : kept == count ? await calls.PackAsync([before, await calls.PackAsync(added)], PackMode.Concat)
            : await calls.PackAsync([.. Enumerable.Range(count - kept, kept).Select(before.Item), .. added]);
        return (conversation, kept + added.Length, sizes);
    }

    private static Payload ToPayload(ContextMessage message) => Payload.FromText(JsonSerializer.SerializeToUtf8Bytes(message, CoreJsonContext.Default.ContextMessage));

    /// <summary>Finds what an agent was asked about a message: its prompt. What a workflow was given is the message's data.</summary>
    private async Task<(Payload Question, string? Agent)> QuestionAsync(RunCalls calls, WorkflowDefinition definition, MailboxMessage message)
    {
        if (definition.Graph.Find(_input.Subscription) is not { } node || node.Kind.AgentOf(node) is not { } agent)
        {
            return (message.Data, null);
        }

        var asked = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Prompt), new CallScope
        {
            DefinitionHash = message.Definition,
            RootInstanceId = _context.InstanceId,
            InstanceId = _context.InstanceId,
            Node = node.Name,
            Activation = node.Name,
            Input = message.Data,
            Message = ScopeOf(message, message.EarlierAttempts + 1),
            State = _state.State,
        });
        return (asked.Value ?? message.Data, agent);
    }

    /// <summary>The place that the run of a message takes. How many there are is what the subscription said when the latest of the messages was accepted.</summary>
    private RunPlace? PlaceOf(SubscriptionDefinition subscription, MailboxMessage message) => subscription.MaxConcurrency is { } count
        ? new RunPlace(LockNames.Subscription(_input.Workflow, _input.Subscription), new LockPlaces(count, message.Time))
        : null;

    private MessageScope ScopeOf(MailboxMessage message, int attempt) => new(message.Id, _input.Topic, _input.Source, message.Time, attempt);

    private bool IsKnown(MailboxMessage message) => _seen.Values.Any(keys => keys.Contains(message.Key));

    private string LogicalIdOf(MailboxMessage message) => $"{_context.InstanceId}/{message.Number}.{TopicNames.Key(message.Id)}";

    private void Remember(MailboxMessage message)
    {
        var today = DayOf(_context.CurrentUtcDateTime);
        foreach (var day in _seen.Keys.Where(day => day < today - DaysRemembered).ToList())
        {
            _seen.Remove(day);
        }

        if (!_seen.TryGetValue(today, out var keys))
        {
            _seen[today] = keys = [];
        }

        keys.Add(TopicNames.Key(message.Id));
        keys.Add(message.Key);
    }

    private static int DayOf(DateTimeOffset time) => (int)(time.UtcTicks / TimeSpan.TicksPerDay) - (int)(DateTimeOffset.UnixEpoch.UtcTicks / TimeSpan.TicksPerDay);

    private MailboxState Saved() => _state with
    {
        Early = _queue.Waiting,
        Taken = _queue.Taken,
        Seen = _seen.ToDictionary(pair => pair.Key, pair => string.Concat(pair.Value)),
    };

    private void Show(MailboxCurrent? current) => _context.SetCustomStatus(JsonSerializer.Serialize(
        new MailboxProgress
        {
            Topic = _input.Topic,
            Source = _input.Source,
            Workflow = _input.Workflow,
            Subscription = _input.Subscription,
            LastNumber = _state.LastNumber,
            Handled = _state.Handled,
            GivenUp = _state.GivenUp,
            LastGivenUp = _state.LastGivenUp,
            Duplicates = _state.Duplicates,
            Current = current,
            State = _state.State,
            Conversation = _state.Conversation,
            ConversationMessages = _state.ConversationMessages,
            LastTime = _state.LastTime,
            Usage = _state.Usage,
        },
        CoreJsonContext.Default.MailboxProgress));
}
