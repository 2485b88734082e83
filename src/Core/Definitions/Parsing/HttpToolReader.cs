using System.Buffers;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>http</c> of a tool.</summary>
internal static class HttpToolReader
{
    private const int LongestHeaderName = 64;
    private static readonly TimeSpan LongestCall = TimeSpan.FromDays(1);

    // RFC 9110, section 5.6.2.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // What frames a request, names its server or its caller is not for a file to say.
    private static readonly string[] ReservedHeaders =
    [
        "Host", "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Cookie", "Authorization", "Idempotency-Key", "Forwarded", "Origin", "Referer", "Via",
    ];

    private static readonly string[] ReservedPrefixes = ["Content-", "Proxy-", "Sec-", "X-Forwarded-"];

    /// <summary>Reads the request.</summary>
    /// <param name="map">The object.</param>
    /// <param name="tool">The tool's name.</param>
    /// <returns>The request; <see langword="null"/> if its address is missing or wrong.</returns>
    public static HttpToolRequest? Read(MapReader map, string tool)
    {
        var method = map.OneOf("method", [.. HttpToolRequest.Methods.Select((name, index) => (name, index))]) is { } found ? HttpToolRequest.Methods[found] : HttpToolRequest.DefaultMethod;
        var url = Url(map, tool);
        var request = new HttpToolRequest
        {
            Method = method,
            Url = url!,
            Query = Members(map, "query", tool),
            Headers = Headers(map, tool),
            Body = Body(map, tool, method),
            ApiKeyVariable = AgentReader.Variable(map),
            ApiKeyHeader = KeyHeader(map),
            Timeout = map.Duration("timeout", max: LongestCall),
            MaxBytes = map.Int("maxBytes", 1, HttpToolRequest.LargestMaxBytes) ?? HttpToolRequest.DefaultMaxBytes,
        };
        const string keyHint = "Keys never stand in files: put the key into an environment variable and name that in \"apiKeyVariable\".";
        map.Explain("apiKey", keyHint);
        map.Explain("key", keyHint);
        map.Finish();
        return url is null ? null : request;
    }

    private static Template? Url(MapReader map, string tool)
    {
        const string hint = "Such as https://api.example.com/v1/items/{{ args.id }}; what follows a \"?\" is written under \"query\".";
        var text = map.TextNode("url");
        if (!map.Has("url"))
        {
            map.Missing("url", "the address that the tool calls", hint);
        }

        if (text is null || map.Template("url", ExpressionPlace.Tool, tool) is not { } url)
        {
            return null;
        }

        // An expression may stand in the path alone: neither scheme, host nor port is for a model to choose.
        var start = url.Text.IndexOf("://", StringComparison.Ordinal) + "://".Length;
        var path = start > 2 ? url.Text.IndexOf('/', start) : -1;
        var expression = url.Text.IndexOf("{{", StringComparison.Ordinal);
        if (expression >= 0 && (path < 0 || expression < path))
        {
            map.Invalid("url", "an expression in \"url\" stands before its path: the server is fixed", hint);
        }
        else if (!Uri.TryCreate(url.Outline("x"), UriKind.Absolute, out var outline) || outline.Scheme is not ("http" or "https"))
        {
            map.Invalid("url", $"\"{SourceValues.Shorten(url.Text)}\" is no web address", hint);
        }
        else if (EndpointAddress.Problem(outline) is { } problem)
        {
            // The text itself is not repeated: it may hold a password.
            map.Invalid("url", $"the address in \"url\" {problem}", hint);
        }
        else
        {
            return url;
        }

        return null;
    }

    private static ValueTemplate? Members(MapReader map, string key, string tool)
    {
        if (map.Value(key) is { } value and not SourceMapping)
        {
            map.WrongType(key, value, "an object", "Such as { q: \"{{ args.query }}\" }.");
            return null;
        }

        return map.Json(key, ExpressionPlace.Tool, tool);
    }

    private static ValueTemplate? Headers(MapReader map, string tool)
    {
        if (map.Value("headers") is SourceMapping headers)
        {
            var path = map.PathOf("headers");
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var entry in headers.Entries)
            {
                if (HeaderProblem(entry.Key) is { } problem)
                {
                    map.Context.Error("invalid_value", ParseContext.Join(path, entry.Key), entry.KeyLocation, problem, HeaderHint(entry.Key));
                }
                else if (!names.Add(entry.Key))
                {
                    map.Context.Error("duplicate_key", ParseContext.Join(path, entry.Key), entry.KeyLocation, $"the header \"{entry.Key}\" is written twice; letter case does not count", "Keep one of them.");
                }

                if (entry.Value is not SourceScalar { Value: not null })
                {
                    map.WrongTypeAt(ParseContext.Join(path, entry.Key), entry.Value, $"the header \"{SourceValues.Shorten(entry.Key)}\"", "a string");
                }
            }
        }

        return Members(map, "headers", tool);
    }

    private static ValueTemplate? Body(MapReader map, string tool, string method)
    {
        if (map.Has("body") && method == HttpToolRequest.DefaultMethod)
        {
            map.Value("body");
            map.NotApplicable("body", "\"body\" has no effect on a GET, which has none", "Use \"query\", or method: POST.");
            return null;
        }

        return map.Json("body", ExpressionPlace.Tool, tool);
    }

    private static string? KeyHeader(MapReader map)
    {
        var name = map.Text("apiKeyHeader");
        if (name is null)
        {
            return null;
        }

        if (!map.Has("apiKeyVariable"))
        {
            map.NotApplicable("apiKeyHeader", "\"apiKeyHeader\" needs \"apiKeyVariable\"", "Add apiKeyVariable, or remove apiKeyHeader.");
        }
        else if (HeaderProblem(name) is { } problem)
        {
            map.Invalid("apiKeyHeader", problem, "Such as X-Api-Key; left out, the key is sent as \"Authorization: Bearer KEY\".");
        }

        return name;
    }

    /// <summary>Finds why a file may not set a header.</summary>
    /// <param name="name">The header.</param>
    /// <returns>What is wrong, or <see langword="null"/>.</returns>
    internal static string? HeaderProblem(string name) =>
        name.Length is 0 or > LongestHeaderName || name.AsSpan().ContainsAnyExcept(TokenCharacters) ? $"\"{SourceValues.Shorten(name)}\" is no name of a header"
        : ReservedHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) || ReservedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            ? $"the header \"{name}\" is not for a tool to set" : null;

    private static string HeaderHint(string name) => name.ToUpperInvariant() switch
    {
        "AUTHORIZATION" => "Keys never stand in files: put the key into an environment variable and name that in \"apiKeyVariable\".",
        "IDEMPOTENCY-KEY" => "Every method but GET gets one, the same for all attempts of a call.",
        "CONTENT-TYPE" => "Bodies are sent as application/json.",
        _ => "Remove it.",
    };
}
