using System.Net;
using System.Net.Sockets;

namespace Polyphony.Activities.Tools.Http;

/// <summary>
/// Makes the requests of tools. It follows no redirect, keeps no cookie and takes no proxy, and looks at the address that a name stands for when it connects: whatever a name stood for before, the
/// connection goes to an address that was looked at. Thread-safe.
/// </summary>
internal sealed class ToolHttpClient : IDisposable
{
    private const int LargestHeadersKilobytes = 32;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    // A connection to a private address, made for one who may, is not to be used by one who may not.
    private readonly HttpMessageInvoker _public;
    private readonly HttpMessageInvoker _private;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;

    /// <summary>Makes the client.</summary>
    /// <param name="resolve">Finds the addresses of a name. Default: the system does.</param>
    public ToolHttpClient(Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        _resolve = resolve ?? Dns.GetHostAddressesAsync;
        _public = Create(privateNetwork: false);
        _private = Create(privateNetwork: true);
    }

    /// <summary>Sends a request and reads the beginning of its response.</summary>
    /// <param name="request">The request.</param>
    /// <param name="privateNetwork">Whether the server may be on this machine or in a private network.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The response, whose body is still to be read.</returns>
    /// <exception cref="HttpRequestException">The server could not be reached; or, inside of it, <see cref="AddressNotAllowedException"/>.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, bool privateNetwork, CancellationToken cancellationToken) =>
        (privateNetwork ? _private : _public).SendAsync(request, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _public.Dispose();
        _private.Dispose();
    }

    private HttpMessageInvoker Create(bool privateNetwork) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = ConnectTimeout,
        PooledConnectionLifetime = ConnectionLifetime,
        MaxResponseHeadersLength = LargestHeadersKilobytes,
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, privateNetwork, cancellationToken),
    });

    private async ValueTask<Stream> ConnectAsync(DnsEndPoint server, bool privateNetwork, CancellationToken cancellationToken)
    {
        var found = IPAddress.TryParse(server.Host, out var address) ? [address] : await _resolve(server.Host, cancellationToken);
        var allowed = privateNetwork ? found : Array.FindAll(found, PublicAddresses.Contain);
        if (allowed.Length == 0)
        {
            throw found.Length == 0 ? new SocketException((int)SocketError.HostNotFound) : new AddressNotAllowedException(server.Host);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, server.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A name stands for addresses of this machine or of a private network alone.</summary>
/// <param name="host">The name.</param>
internal sealed class AddressNotAllowedException(string host) : Exception($"\"{host}\" is an address of this machine or of a private network, which the host's settings do not allow");
