using System.Buffers;
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers.OpenAI.Dialects;

/// <summary>A chat completions request as the SDK has written it, in the words of OpenAI, from which it is worded again for each dialect.</summary>
internal sealed class RequestBody
{
    /// <summary>Stands before an answer with which a conversation would begin, where the user has to begin.</summary>
    public const string Opening = "Your earlier answer:";

    private const string Format = "response_format";
    private const string Schema = "json_schema";
    private const int MaxDepth = 512;

    /// <summary>How requests are read: schemas and arguments in them may be as deep as values are.</summary>
    internal static readonly JsonDocumentOptions Document = new() { MaxDepth = MaxDepth };

    private readonly byte[] _json;

    private RequestBody(byte[] json, JsonObject request)
    {
        _json = json;
        SchemaText = request[Format]?[Schema]?["schema"]?.ToJsonString();
        IsStrict = request[Format]?[Schema]?["strict"] is JsonValue strict && strict.TryGetValue<bool>(out var value) && value;
        HasTokenLimit = ModelDialect.TokenLimits.Any(request.ContainsKey);
        var messages = Messages(request).ToArray();
        HasNames = messages.Any(message => message.ContainsKey("name"));
        HasSystem = messages.Any(IsSystem);
    }

    /// <summary>Gets the schema of the answer; <see langword="null"/> if none is sent.</summary>
    public string? SchemaText { get; }

    /// <summary>Gets a value indicating whether the schema qualifies to be strict.</summary>
    public bool IsStrict { get; }

    /// <summary>Gets a value indicating whether the tokens of the answer are limited.</summary>
    public bool HasTokenLimit { get; }

    /// <summary>Gets a value indicating whether a message has a name.</summary>
    public bool HasNames { get; }

    /// <summary>Gets a value indicating whether there are instructions.</summary>
    public bool HasSystem { get; }

    /// <summary>Reads a request.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Its body; <see langword="null"/> if it is not a JSON object.</returns>
    public static RequestBody? Read(PipelineRequest request)
    {
        using var buffer = new MemoryStream();
        request.Content?.WriteTo(buffer);
        var json = buffer.ToArray();
        try
        {
            return Parse(json) is JsonObject map ? new RequestBody(json, map) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Words the request in a dialect.</summary>
    /// <param name="dialect">The dialect.</param>
    public BinaryContent Write(ServerDialect dialect)
    {
        var request = (JsonObject)Parse(_json)!;
        SetFormat(request, dialect);
        foreach (var name in ModelDialect.TokenLimits.Where(name => name != dialect.TokenLimit && request.ContainsKey(name)).ToArray())
        {
            var limit = request[name];
            request.Remove(name);
            request[dialect.TokenLimit] = limit;
        }

        SetMessages(request, dialect);
        var buffer = new ArrayBufferWriter<byte>(_json.Length);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth }))
        {
            request.WriteTo(writer);
        }

        return BinaryContent.Create(BinaryData.FromBytes(buffer.WrittenMemory.ToArray()));
    }

    private static JsonNode? Parse(byte[] json) => JsonNode.Parse(json, documentOptions: Document);

    private static IEnumerable<JsonObject> Messages(JsonObject request) => request["messages"] is JsonArray messages ? messages.OfType<JsonObject>() : [];

    private static bool IsSystem(JsonObject message) => Text(message["role"]) is "system" or "developer";

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static void SetFormat(JsonObject request, ServerDialect dialect)
    {
        if (request[Format]?[Schema] is not JsonObject schema)
        {
            return;
        }

        switch (dialect.StructuredOutput)
        {
            case ModelDialect.JsonObject:
                request[Format] = new JsonObject { ["type"] = "json_object" };
                break;
            case ModelDialect.Words:
                request.Remove(Format);
                break;
            case var _ when !dialect.StrictSchemas:
                schema["strict"] = false;
                break;
        }
    }

    private static void SetMessages(JsonObject request, ServerDialect dialect)
    {
        var messages = Messages(request).ToList();
        if (messages.Count == 0)
        {
            return;
        }

        // A node has one parent.
        ((JsonArray)request["messages"]!).Clear();
        if (!dialect.Names)
        {
            messages.ForEach(message => message.Remove("name"));
        }

        if (!dialect.SystemRole)
        {
            var instructions = messages.Where(IsSystem).ToList();
            instructions.ForEach(message => message["role"] = "user");
        }

        if (dialect.Roles == ModelDialect.Alternate)
        {
            var first = messages.FindIndex(message => !IsSystem(message));
            if (first >= 0 && Text(messages[first]["role"]) == "assistant")
            {
                messages.Insert(first, new JsonObject { ["role"] = "user", ["content"] = Opening });
            }

            messages = Joined(messages);
        }

        request["messages"] = new JsonArray([.. messages]);
    }

    private static List<JsonObject> Joined(List<JsonObject> messages)
    {
        List<JsonObject> joined = [];
        foreach (var message in messages)
        {
            if (joined.Count > 0 && MayJoin(joined[^1], message))
            {
                Join(joined[^1], message);
            }
            else
            {
                joined.Add(message);
            }
        }

        return joined;
    }

    // Results of tools have ids, and what a server has put beside an answer belongs to that answer.
    private static bool MayJoin(JsonObject first, JsonObject second) =>
        Text(first["role"]) is "user" or "assistant" or "system" or "developer"
        && Text(first["role"]) == Text(second["role"])
        && first.Concat(second).All(member => member.Key is "role" or "content" or "name");

    private static void Join(JsonObject first, JsonObject second)
    {
        // The first line of each says who speaks.
        if (Text(first["name"]) != Text(second["name"]))
        {
            first.Remove("name");
        }

        if (first["content"] is not JsonArray && second["content"] is not JsonArray)
        {
            first["content"] = (Text(first["content"]), Text(second["content"])) switch
            {
                (null or "", var text) => text,
                (var text, null or "") => text,
                var (one, two) => $"{one}\n\n{two}",
            };
            return;
        }

        first["content"] = new JsonArray([.. Parts(first["content"]), .. Parts(second["content"])]);
    }

    private static IEnumerable<JsonNode?> Parts(JsonNode? content) => content is JsonArray parts
        ? parts.Select(part => part?.DeepClone())
        : Text(content) is { Length: > 0 } text ? [new JsonObject { ["type"] = "text", ["text"] = text }] : [];
}
