using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets the request of a tool, as under <c>http</c> in a file. Texts are templates that read <c>args</c>.</summary>
public sealed class HttpToolBuilder
{
    private readonly JsonObject _tool;
    private readonly JsonObject _http;

    internal HttpToolBuilder(JsonObject tool, JsonObject http)
    {
        _tool = tool;
        _http = http;
    }

    /// <summary>Sets the method; <c>GET</c> by default.</summary>
    /// <param name="method"><c>GET</c>, <c>POST</c>, <c>PUT</c>, <c>PATCH</c> or <c>DELETE</c>.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder Method(string method) => Set("method", method);

    /// <summary>Sets the query: a value that is null is left out, and an array repeats its name.</summary>
    /// <param name="query">The names and values.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder Query(JsonObject query) => Set("query", query);

    /// <summary>Sets the headers.</summary>
    /// <param name="headers">The names and values.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder Headers(JsonObject headers) => Set("headers", headers);

    /// <summary>Sets the body, sent as JSON.</summary>
    /// <param name="body">The value.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder Body(JsonNode body) => Set("body", body);

    /// <summary>Names the key that the server wants. The host's settings allow it together with the address.</summary>
    /// <param name="variable">The environment variable that holds it.</param>
    /// <param name="header">The header that it goes into; by default <c>Authorization: Bearer KEY</c>.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder ApiKey(string variable, string? header = null)
    {
        WorkflowBuilder.Put(_http, "apiKeyHeader", header);
        return Set("apiKeyVariable", variable);
    }

    /// <summary>Sets how long a call may take; the host's limit holds as well.</summary>
    /// <param name="timeout">Up to 1 day.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder Timeout(TimeSpan timeout)
    {
        WorkflowBuilder.Put(_http, "timeout", timeout);
        return this;
    }

    /// <summary>Sets the most bytes of an answer; 1 MB by default.</summary>
    /// <param name="bytes">From 1 to 10 MB.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder MaxBytes(int bytes) => Set("maxBytes", bytes);

    /// <summary>Says whether a call that may have been made can be made again; by default a <c>GET</c> can.</summary>
    /// <param name="idempotent">Whether it can.</param>
    /// <returns>This builder.</returns>
    public HttpToolBuilder Idempotent(bool idempotent = true)
    {
        WorkflowBuilder.Put(_tool, "idempotent", idempotent);
        return this;
    }

    private HttpToolBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(_http, key, value);
        return this;
    }
}
