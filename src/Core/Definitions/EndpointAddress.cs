using System.Net;

namespace Polyphony.Core.Definitions;

/// <summary>Rules for the addresses of models.</summary>
internal static class EndpointAddress
{
    /// <summary>Finds what an address of a model may not have: a user, which may hide the host or hold a password, a query or a fragment.</summary>
    /// <param name="address">The address.</param>
    /// <returns>What is wrong with it, or <see langword="null"/>.</returns>
    public static string? Problem(Uri address) =>
        address.UserInfo.Length > 0 ? "holds a user name; keys are named by \"apiKeyVariable\""
        : address.Query.Length > 0 || address.Fragment.Length > 0 ? "holds a query or a fragment, which an endpoint does not have"
        : address.IdnHost.Length == 0 ? "names no host"
        : null;

    /// <summary>Determines whether an address is on this machine by its very text, so that no name has to be looked up.</summary>
    /// <param name="address">The address.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public static bool IsLoopback(Uri address) =>
        address.IdnHost.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(address.IdnHost, out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>Formats an address for messages, without what may be secret in it.</summary>
    /// <param name="address">The address.</param>
    /// <returns>The text.</returns>
    public static string Show(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
}
