using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Polyphony.Cli;

/// <summary>The JSON that only the command line reads and writes.</summary>
[JsonSerializable(typeof(JsonNode))]
internal sealed partial class CliJsonContext : JsonSerializerContext;
