using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Ledger;
using Polyphony.Core.Locks;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Schedules;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Json;

/// <summary>
/// The one JSON contract of everything persisted or passed between orchestrations and activities, so that every engine stores the
/// same bytes: camelCase, no indentation, nulls left out, enumerations as their names.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    WriteIndented = false,
    MaxDepth = JsonLimits.MaxDepth)]
[JsonSerializable(typeof(HistoryEvent))]
[JsonSerializable(typeof(List<HistoryEvent>))]
[JsonSerializable(typeof(FailureDetails))]
[JsonSerializable(typeof(LedgerAnswer))]
[JsonSerializable(typeof(LedgerRequest))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(AgentCall))]
[JsonSerializable(typeof(AgentCallResult))]
[JsonSerializable(typeof(IReadOnlyList<RequestedToolCall>))]
[JsonSerializable(typeof(RepairRequest))]
[JsonSerializable(typeof(CallWait))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(ToolExchange))]
[JsonSerializable(typeof(List<ToolExchange>))]
[JsonSerializable(typeof(ToolCall))]
[JsonSerializable(typeof(TracedEnd))]
[JsonSerializable(typeof(ToolCallResult))]
[JsonSerializable(typeof(ToolQuestionDetails))]
[JsonSerializable(typeof(AgentCall[]))]
[JsonSerializable(typeof(AgentCallResult[]))]
[JsonSerializable(typeof(ToolCall[]))]
[JsonSerializable(typeof(ToolCallResult[]))]
[JsonSerializable(typeof(EvaluateCall))]
[JsonSerializable(typeof(EvaluateResult))]
[JsonSerializable(typeof(PackCall))]
[JsonSerializable(typeof(FailCall))]
[JsonSerializable(typeof(Payload))]
[JsonSerializable(typeof(PayloadReference))]
[JsonSerializable(typeof(WorkflowInput))]
[JsonSerializable(typeof(Usage))]
[JsonSerializable(typeof(RunState))]
[JsonSerializable(typeof(WorkflowResult))]
[JsonSerializable(typeof(WorkflowProgress))]
[JsonSerializable(typeof(ItemsInput))]
[JsonSerializable(typeof(ItemsResult))]
[JsonSerializable(typeof(ScheduleState))]
[JsonSerializable(typeof(ScheduleLook))]
[JsonSerializable(typeof(LockRequest))]
[JsonSerializable(typeof(LockMessage))]
[JsonSerializable(typeof(LockGrant))]
[JsonSerializable(typeof(LockInput))]
[JsonSerializable(typeof(LockState))]
[JsonSerializable(typeof(LockStatus))]
[JsonSerializable(typeof(LockLook))]
[JsonSerializable(typeof(Outcome))]
[JsonSerializable(typeof(List<Outcome>))]
[JsonSerializable(typeof(ContextMessage))]
[JsonSerializable(typeof(List<ContextMessage>))]
[JsonSerializable(typeof(PublishCall))]
[JsonSerializable(typeof(PublishResult))]
[JsonSerializable(typeof(PublishReceipt))]
[JsonSerializable(typeof(TopicMessage))]
[JsonSerializable(typeof(TopicState))]
[JsonSerializable(typeof(ReplayRequest))]
[JsonSerializable(typeof(MailboxMessage))]
[JsonSerializable(typeof(MailboxInput))]
[JsonSerializable(typeof(OpenMailbox))]
[JsonSerializable(typeof(MailboxState))]
[JsonSerializable(typeof(MailboxProgress))]
[JsonSerializable(typeof(DeadLetterPage))]
[JsonSerializable(typeof(DeadLetter))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, IReadOnlyList<Payload>>))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(string))]
internal sealed partial class CoreJsonContext : JsonSerializerContext;
