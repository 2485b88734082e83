using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Polyphony.Core.Client;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Topics;
using Polyphony.Http.Approvals;
using Polyphony.Http.Health;
using Polyphony.Http.Instances;
using Polyphony.Http.Ledger;
using Polyphony.Http.Problems;
using Polyphony.Http.Schedules;
using Polyphony.Http.Topics;
using Polyphony.Http.Workflows;

namespace Polyphony.Http.Serialization;

/// <summary>The JSON contract of the HTTP API: camelCase, nulls left out, enumerations as their names.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    MaxDepth = JsonLimits.MaxDepth)]
[JsonSerializable(typeof(ProblemDocument))]
[JsonSerializable(typeof(InstanceStatus))]
[JsonSerializable(typeof(List<InstanceStatus>))]
[JsonSerializable(typeof(InstanceLinks))]
[JsonSerializable(typeof(InstanceHistory))]
[JsonSerializable(typeof(InstanceTimeline))]
[JsonSerializable(typeof(StartInstance))]
[JsonSerializable(typeof(StartDefinition))]
[JsonSerializable(typeof(PurgeResult))]
[JsonSerializable(typeof(WorkflowSummary))]
[JsonSerializable(typeof(List<WorkflowSummary>))]
[JsonSerializable(typeof(ScheduleSummary))]
[JsonSerializable(typeof(List<ScheduleSummary>))]
[JsonSerializable(typeof(QueueStatus))]
[JsonSerializable(typeof(UsageReport))]
[JsonSerializable(typeof(List<RecordedCall>))]
[JsonSerializable(typeof(Approval))]
[JsonSerializable(typeof(List<Approval>))]
[JsonSerializable(typeof(PublishMessage))]
[JsonSerializable(typeof(MessageStatus))]
[JsonSerializable(typeof(SessionStatus))]
[JsonSerializable(typeof(List<TopicSubscription>))]
[JsonSerializable(typeof(Mailbox))]
[JsonSerializable(typeof(List<Mailbox>))]
[JsonSerializable(typeof(List<DeadMessage>))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(string))]
internal sealed partial class HttpJsonContext : JsonSerializerContext;
