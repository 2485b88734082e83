using System.Text.Json;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Payloads;

namespace Polyphony.Activities.Payloads;

/// <summary>Puts values together into one list.</summary>
internal sealed class PackActivity(PayloadValues values)
{
    public async Task<Payload> RunAsync(PackCall call, CancellationToken cancellationToken)
    {
        var stored = await values.ReadAllAsync(call.Values, cancellationToken);
        var parts = call.Values.Select(value => Resolve(value, stored)).ToArray();
        var results = call.Mode == PackMode.Results ? await values.ReadAllAsync([.. Packing.Results(parts)], cancellationToken) : stored;
        var list = Packing.Write(Packing.Arrange(call.Mode, parts, result => Resolve(result, results)));
        return await values.WriteAsync(call.RootInstanceId, list, JsonElement.Parse(list.Span), cancellationToken);
    }

    private static JsonElement Resolve(Payload payload, IReadOnlyDictionary<Payload, JsonElement> stored) =>
        payload.IsInline ? payload.Json ?? Payload.Null.Json!.Value : stored[payload];
}
