using System.Text.Json.Serialization;
using Polyphony.Core.Ledger;
using Polyphony.DurableFunctions.Starts;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>The JSON contracts of what the app stores beside Core's.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(string?[]))]
[JsonSerializable(typeof(LedgerAnswer))]
[JsonSerializable(typeof(UsageRow))]
[JsonSerializable(typeof(StartRequest))]
[JsonSerializable(typeof(BlobInput))]
internal sealed partial class FunctionsJsonContext : JsonSerializerContext;
