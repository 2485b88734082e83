using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Polyphony.Core.Json;

namespace Polyphony.Cli;

/// <summary>The JSON that only the command line reads and writes.</summary>
[JsonSourceGenerationOptions(MaxDepth = JsonLimits.MaxDepth)]
[JsonSerializable(typeof(JsonNode))]
internal sealed partial class CliJsonContext : JsonSerializerContext;
