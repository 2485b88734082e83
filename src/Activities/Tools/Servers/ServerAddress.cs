using System.Net;
using ModelContextProtocol.Client;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>Reaches servers over streamable HTTP. The address is the owner's, so it may be a private one; redirects are not followed, since the key would go along.</summary>
internal static class ServerAddress
{
    private const long OtherBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <summary>Gets how large a message of a server may be: a result, as JSON writes it, and what is around it.</summary>
    /// <param name="server">The server.</param>
    public static long LargestMessage(ToolServer server) => OtherBytes + (2L * server.MaxBytes);

    /// <summary>Makes the transport.</summary>
    /// <param name="name">The server's name.</param>
    /// <param name="server">The server.</param>
    /// <param name="key">Its key.</param>
    /// <returns>The transport.</returns>
    public static HttpClientTransport Transport(string name, ToolServer server, string? key)
    {
        var headers = new Dictionary<string, string>(server.Headers, StringComparer.OrdinalIgnoreCase);
        if (key is not null)
        {
            headers[server.ApiKeyHeader] = server.ApiKeyHeader == ToolServer.DefaultApiKeyHeader ? $"Bearer {key}" : key;
        }

        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
        };
        var client = new HttpClient(new BoundedResponses(LargestMessage(server)) { InnerHandler = handler }) { Timeout = Timeout.InfiniteTimeSpan };
        return new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Name = name,
                Endpoint = server.Url!,
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = headers,
                EnableStandaloneGetStream = false,
            },
            client,
            ownsHttpClient: true);
    }

    /// <summary>Bounds the bodies of responses.</summary>
    private sealed class BoundedResponses(long mostBytes) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            var content = new StreamContent(new BoundedLines(await response.Content.ReadAsStreamAsync(cancellationToken), mostBytes, isOneLine: true));
            foreach (var (header, values) in response.Content.Headers.NonValidated)
            {
                content.Headers.TryAddWithoutValidation(header, values);
            }

            response.Content = content;
            return response;
        }
    }
}
