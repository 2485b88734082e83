using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Payloads;

/// <summary>Puts values together into one list.</summary>
internal sealed class PackActivity(PayloadValues values)
{
    public async Task<Payload> RunAsync(PackCall call, CancellationToken cancellationToken)
    {
        var parts = await ResolveAsync(call.Values, cancellationToken);
        if (call.Mode == PackMode.Json)
        {
            // Too large is an answer: it is not tried again.
            var json = CallJson.Text(parts[0].GetRawText());
            return Payload.Inline(Payload.Inline(json).Text.Length <= CodeWorkflow.MaxReadBytes ? json : JsonElement.Parse("null"u8));
        }

        if (call.Mode == PackMode.Text)
        {
            var value = JsonElement.Parse(string.Concat(parts.Select(part => part.GetString())), JsonLimits.Document);
            return await values.StoreAsync(call.RootInstanceId, value, cancellationToken);
        }

        if (call.Mode == PackMode.Conversation)
        {
            var contents = await ResolveAsync(Packing.Contents(parts[1..]), cancellationToken);
            var conversation = Packing.WriteConversation(parts, contents);
            return JsonLimits.DepthOf(conversation) > JsonLimits.MaxValueDepth
                ? throw new ValueTooDeepException()
                : await values.WriteAsync(call.RootInstanceId, JsonElement.Parse(conversation, JsonLimits.Document), cancellationToken);
        }

        if (call.Mode == PackMode.Merge)
        {
            return await values.WriteAsync(call.RootInstanceId, JsonElement.Parse(StateReducers.Merge(parts), JsonLimits.Document), cancellationToken);
        }

        var items = call.Mode == PackMode.Results
            ? await ResolveAsync(Packing.Results(parts), cancellationToken)
            : [.. Packing.Arrange(call.Mode, parts)];
        var list = Packing.Write(items);

        // Of all lists this one is a value that expressions see; the others are taken apart again.
        return call.Mode == PackMode.Results && JsonLimits.DepthOf(list) > JsonLimits.MaxValueDepth
            ? throw new ValueTooDeepException()
            : await values.WriteListAsync(call.RootInstanceId, list, items.Length, call.Mode == PackMode.Stored, cancellationToken);
    }

    private async Task<JsonElement[]> ResolveAsync(IReadOnlyList<Payload> payloads, CancellationToken cancellationToken)
    {
        var stored = await values.ReadAllAsync(payloads, cancellationToken);
        return [.. payloads.Select(payload => payload.IsInline ? payload.Json!.Value : stored[payload])];
    }
}
