using System.ClientModel.Primitives;
using System.Text.Json;
using Polyphony.Activities.Errors;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>
/// Throws for an answer with an error status, before the SDK does: the SDK keeps the server's words only if the body has OpenAI's shape. Here the request is at hand as well, so that its key
/// and its prompt can be taken out of what the server echoes.
/// </summary>
internal sealed class ProviderErrorPolicy : PipelinePolicy
{
    private static readonly string[] KeyHeaders = ["Authorization", "api-key", "x-api-key", "Ocp-Apim-Subscription-Key"];

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
        throw new NotSupportedException("Models are called asynchronously only.");

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        try
        {
            await ProcessNextAsync(message, pipeline, currentIndex);
        }
        catch (ProviderException exception)
        {
            // An error that came as a success.
            throw new ProviderException(exception.Failure.Without(RedactionOf(message.Request)));
        }
        catch (ModelException exception)
        {
            // What came in place of an answer, in its first words.
            throw new ModelException(exception.Error with { Message = RedactionOf(message.Request).Apply(ProviderText.Clean(exception.Error.Message)) }, exception.InnerException);
        }

        if (message.Response is { IsError: true } response)
        {
            throw new ProviderException(HttpFailure.Read(response, RedactionOf(message.Request)));
        }
    }

    /// <summary>Gets what the words of an answer must not hold: the key and the texts of its request.</summary>
    /// <param name="request">The request.</param>
    public static Redaction RedactionOf(PipelineRequest request)
    {
        List<string> keys = [], prompts = [];
        foreach (var header in KeyHeaders)
        {
            if (request.Headers.TryGetValue(header, out var value) && value is { Length: > 0 })
            {
                // "Bearer KEY": the scheme is no secret.
                keys.Add(value[(value.LastIndexOf(' ') + 1)..]);
            }
        }

        try
        {
            using var body = new MemoryStream();
            request.Content?.WriteTo(body);
            using var json = JsonDocument.Parse(body.GetBuffer().AsMemory(0, (int)body.Length), Dialects.RequestBody.Document);
            if (json.RootElement.TryGetProperty("messages", out var messages))
            {
                Texts(messages, prompts);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No conversation, nothing to take out.
        }

        return new Redaction(keys, prompts);
    }

    // Contents and arguments, but not what belongs to the protocol.
    private static void Texts(JsonElement json, List<string> texts)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                texts.Add(json.GetString()!);
                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                {
                    Texts(item, texts);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in json.EnumerateObject().Where(member => member.Name is not ("role" or "type" or "name" or "id" or "tool_call_id")))
                {
                    Texts(member.Value, texts);
                }

                break;
        }
    }
}
