using System.Text.Json;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Payloads;

namespace Polyphony.Activities.Payloads;

/// <summary>Puts values together into one list.</summary>
internal sealed class PackActivity(PayloadValues values)
{
    public async Task<Payload> RunAsync(PackCall call, CancellationToken cancellationToken)
    {
        var parts = await ResolveAsync(call.Values, cancellationToken);
        var items = call.Mode == PackMode.Results
            ? await ResolveAsync(Packing.Results(parts), cancellationToken)
            : [.. Packing.Arrange(call.Mode, parts)];
        return await values.WriteListAsync(call.RootInstanceId, Packing.Write(items), items.Length, cancellationToken);
    }

    private async Task<JsonElement[]> ResolveAsync(IReadOnlyList<Payload> payloads, CancellationToken cancellationToken)
    {
        var stored = await values.ReadAllAsync(payloads, cancellationToken);
        return [.. payloads.Select(payload => payload.IsInline ? payload.Json!.Value : stored[payload])];
    }
}
