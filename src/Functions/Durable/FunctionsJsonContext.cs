using System.Text.Json.Serialization;
using Polyphony.Core.Ledger;

namespace Polyphony.Functions.Durable;

/// <summary>The JSON contracts of what the app stores beside Core's.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(string?[]))]
[JsonSerializable(typeof(LedgerAnswer))]
[JsonSerializable(typeof(StartRequest))]
internal sealed partial class FunctionsJsonContext : JsonSerializerContext;
