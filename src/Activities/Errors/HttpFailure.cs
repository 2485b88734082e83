using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;

namespace Polyphony.Activities.Errors;

/// <summary>An answer of a provider that is no success, in the server's own words and without the secrets that they may hold.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Message">The server's words on one line, some thousand characters at most.</param>
internal sealed record HttpFailure(int Status, string Message)
{
    // Long enough to find in it what the error is; what is shown is shorter.
    private const int LongestMessage = 4096;
    private const int LongestCode = 64;

    /// <summary>Gets the code, or else the type, that the server gave.</summary>
    public string? Code { get; init; }

    /// <summary>Gets every code, type, status and reason in the body, by which it is recognised.</summary>
    public IReadOnlyCollection<string> Names { get; init; } = [];

    /// <summary>Gets the wait that a member of the body names.</summary>
    public TimeSpan? Wait { get; init; }

    /// <summary>Gets the headers that say how long to wait, by lower-case name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets what a content filter found, such as <c>violence (medium) in the prompt</c>, if the provider says so.</summary>
    public string? Filtered { get; init; }

    /// <summary>Gets the provider's id of the request.</summary>
    public string? RequestId { get; init; }

    /// <summary>Reads an answer.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="body">The body.</param>
    /// <param name="header">Gets a header by its name.</param>
    /// <param name="redaction">What the words must not hold.</param>
    /// <param name="reason">The reason phrase, for a body that says nothing.</param>
    /// <returns>The failure.</returns>
    public static HttpFailure Read(int status, ReadOnlySpan<byte> body, Func<string, string?> header, Redaction redaction, string? reason = null)
    {
        var read = ErrorBody.Read(BodyText.ToUtf8(body, header("content-type"), out _));
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in Waits.Headers)
        {
            if (header(name) is { } value)
            {
                headers[name] = value;
            }
        }

        return new HttpFailure(status, Words(read.Message) is { Length: > 0 } message ? message : $"{(Words(reason) is { Length: > 0 } phrase ? phrase : Phrase(status))} (the body has no message)".TrimStart())
        {
            Code = read.Code(status) is { } code ? ProviderText.Shorten(Words(code), LongestCode) : null,
            Names = [.. read.Names],
            Wait = read.Wait,
            Headers = headers,
            Filtered = read.Filtered,
            RequestId = RequestIds.Find(header) is { } id ? ProviderText.Shorten(Words(id), LongestCode) : null,
        };

        string Words(string? text) => text is null ? "" : ProviderText.Shorten(redaction.Apply(ProviderText.Shorten(ProviderText.Clean(text), LongestMessage)), LongestMessage);
    }

    /// <summary>Reads the answer to a request of a System.ClientModel pipeline.</summary>
    /// <param name="response">The answer, buffered.</param>
    /// <param name="redaction">What the words must not hold.</param>
    public static HttpFailure Read(PipelineResponse response, Redaction redaction) => Read(
        response.Status,
        Content(response),
        name => response.Headers.TryGetValue(name, out var value) ? value : null,
        redaction,
        response.ReasonPhrase);

    /// <summary>Reads what a client of the official SDKs threw.</summary>
    /// <param name="exception">The exception.</param>
    public static HttpFailure From(ClientResultException exception) => exception.GetRawResponse() is { } response
        ? Read(response, Redaction.None)
        : new HttpFailure(exception.Status, ProviderText.Shorten(Redaction.None.Apply(ProviderText.Clean(exception.Message)), LongestMessage));

    /// <summary>Takes more out of the words.</summary>
    /// <param name="redaction">What they must not hold.</param>
    public HttpFailure Without(Redaction redaction) => this with { Message = redaction.Apply(Message), Code = Code is null ? null : redaction.Apply(Code) };

    // HTTP/2 has none, and the status alone tells people little.
    private static string? Phrase(int status)
    {
        using var response = new HttpResponseMessage((HttpStatusCode)status);
        return response.ReasonPhrase;
    }

    private static ReadOnlySpan<byte> Content(PipelineResponse response)
    {
        try
        {
            return response.Content.ToMemory().Span;
        }
        catch (InvalidOperationException)
        {
            // Not buffered: the status says enough.
            return [];
        }
    }
}
