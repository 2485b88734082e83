using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Activities.Tools.Http;

/// <summary>Makes the request of one call. What the caller gives becomes a segment of the path, a value of the query, of a header or of the body, and nothing else.</summary>
internal sealed class HttpToolMessage
{
    private const string KeyHeader = "Idempotency-Key";
    private const int KeyLength = 32;
    private const int LongestAddress = 16 * 1024;
    private const int LongestHeader = 4 * 1024;
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly HttpToolDefinition _tool;
    private readonly ExpressionScope _scope;

    /// <summary>Renders the address.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="arguments">The arguments, which fit its parameters.</param>
    /// <exception cref="ToolException">A value cannot stand where it would.</exception>
    public HttpToolMessage(HttpToolDefinition tool, AIFunctionArguments arguments)
    {
        _tool = tool;
        var args = new OrderedDictionary<string, ExpressionValue>(StringComparer.Ordinal);
        foreach (var (name, value) in arguments)
        {
            args[name] = ExpressionValue.FromJson(value is JsonElement json ? json : JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions));
        }

        _scope = new ExpressionScope(new Dictionary<string, ExpressionValue>(StringComparer.Ordinal) { ["args"] = ExpressionValue.FromMembers(args) });
        Address = new Uri(tool.Http.Url.Render(_scope, Segment));
    }

    /// <summary>Gets the address without its query.</summary>
    public Uri Address { get; }

    /// <summary>Makes the request.</summary>
    /// <param name="key">The key of the server, if it wants one.</param>
    /// <param name="effectKey">The key of the call's effect; <see langword="null"/> if it is of no call of a workflow.</param>
    /// <returns>The request.</returns>
    /// <exception cref="ToolException">A value cannot stand where it would.</exception>
    public HttpRequestMessage Make(string? key, string? effectKey)
    {
        var http = _tool.Http;
        var request = new HttpRequestMessage(new HttpMethod(http.Method), WithQuery());
        if (http.Body is { } body)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.Evaluate(_scope).ToJson().GetRawText()));
            request.Content.Headers.ContentType = Json;
        }

        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Polyphony", null));
        foreach (var (name, value) in Members(http.Headers))
        {
            var text = Text(value, name);
            if (!IsHeaderValue(text))
            {
                throw new ToolException($"The header {name} would have a value that no header can carry: visible ASCII characters and spaces inside are, up to {LongestHeader:N0} of them.");
            }

            Set(request, name, text);
        }

        if (http.Method != HttpToolRequest.DefaultMethod && effectKey is not null)
        {
            // The id of a call holds what a model made up, and is of any length.
            Set(request, KeyHeader, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(effectKey)))[..KeyLength]);
        }

        if (key is not null)
        {
            Set(request, http.ApiKeyHeader ?? "Authorization", http.ApiKeyHeader is null ? $"Bearer {key}" : key);
        }

        return request;
    }

    /// <summary>Tells whether a header can carry a text: no control characters, and so no second header.</summary>
    /// <param name="text">The text.</param>
    public static bool IsHeaderValue(string text) =>
        text.Length is > 0 and <= LongestHeader && text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 && text[0] != ' ' && text[^1] != ' ';

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }

    /// <summary>Encodes a value for the path. What servers may take for the end of a segment is refused, encoded or not: some decode before they look.</summary>
    private string Segment(string value)
    {
        if (value.Length == 0 || value is "." or ".." || value.AsSpan().ContainsAny('/', '\\') || value.Any(char.IsControl))
        {
            throw new ToolException(
                $"The address of the tool \"{_tool.Name}\" takes one segment of a path in this place: not empty, without \"/\", \"\\\" and control characters, and not \".\" or \"..\"; found is {JsonEncodedText.Encode(value.Length > 100 ? value[..100] : value)}.");
        }

        return Uri.EscapeDataString(value);
    }

    private Uri WithQuery()
    {
        var query = new StringBuilder();
        foreach (var (name, value) in Members(_tool.Http.Query))
        {
            foreach (var each in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value])
            {
                if (each.ValueKind != JsonValueKind.Null)
                {
                    query.Append(query.Length == 0 ? '?' : '&').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(Text(each, name)));
                }
            }
        }

        var address = new Uri(Address.AbsoluteUri + query);
        return address.AbsoluteUri.Length <= LongestAddress ? address : throw new ToolException($"The address would have {address.AbsoluteUri.Length:N0} characters; {LongestAddress:N0} are the limit. Give shorter arguments.");
    }

    private IEnumerable<(string Name, JsonElement Value)> Members(ValueTemplate? template) =>
        template?.Evaluate(_scope).ToJson() is { ValueKind: JsonValueKind.Object } members ? members.EnumerateObject().Select(member => (member.Name, member.Value)) : [];

    private static string Text(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw new ToolException($"\"{name}\" would be an array or an object; a string, a number or true and false can be sent there."),
    };
}
