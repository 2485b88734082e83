using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers;

/// <summary>A model alias, resolved.</summary>
/// <param name="Client">The client to call; shared, thread-safe, not to be disposed by the caller.</param>
/// <param name="Definition">The alias as the workflow or the host defines it.</param>
internal sealed record ResolvedModel(IChatClient Client, ModelDefinition Definition);
