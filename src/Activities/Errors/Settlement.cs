using System.ClientModel;
using System.Net.Sockets;
using Azure.Identity;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Errors;

/// <summary>Says whether a model call that failed may have been answered, and so be charged, all the same.</summary>
internal static class Settlement
{
    /// <summary>
    /// Whether the provider may charge for a call. Not if it has refused it, and not if it never got it: no connection, no key, no such model. Whatever breaks off or
    /// ends late after that may have been answered, as far as anybody on this side can tell.
    /// </summary>
    /// <param name="exception">How the call ended.</param>
    /// <returns>Whether it stays unsettled.</returns>
    public static bool MayBePaid(Exception exception) => exception switch
    {
        // An answer that came and can't be read was given all the same.
        ModelException model => model.Error.Code is ErrorCodes.ProviderInvalidAnswer or ErrorCodes.AnswerTooLarge,
        AggregateException { InnerExceptions: [.., var last] } => MayBePaid(last),
        ClientResultException { Status: 0, InnerException: { } inner } => MayBePaid(inner),
        ClientResultException { Status: > 0 and < 200 or >= 300 } => false,
        AuthenticationFailedException or PolyphonyException => false,
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError
        } => false,
        SocketException
        {
            SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.HostUnreachable
                or SocketError.NetworkUnreachable or SocketError.TryAgain
        } => false,
        _ => true,
    };
}
