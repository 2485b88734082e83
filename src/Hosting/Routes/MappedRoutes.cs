using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Engine;

namespace Polyphony.Hosting.Routes;

/// <summary>Whether, and below which prefix, the app serves the HTTP API.</summary>
internal sealed class MappedRoutes
{
    /// <summary>Gets or sets the prefix; <see langword="null"/>: no routes are mapped.</summary>
    public string? Prefix { get; set; }

    /// <summary>Tells other processes, by the owner's note of the data folder, where the API can be reached: that is how the <c>polyphony</c> tool finds it.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="options">The options.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="log">The log.</param>
    public void Announce(IServiceProvider services, PolyphonyOptions options, EmbeddedEngine engine, ILogger log)
    {
        if (Prefix is null)
        {
            if (options.ApiKey is not null)
            {
                log.KeyWithoutRoutes();
            }
        }
        else if (!options.Paused && LocalAddress(services) is { } address)
        {
            engine.SetOwnerNote(new Uri(address, Prefix.Length == 0 ? "" : $"{Prefix[1..]}/").ToString());
        }
    }

    /// <summary>Finds where this machine reaches the app: the port may have been chosen by the system, and the address may mean all of the machine's.</summary>
    /// <param name="services">The app's services.</param>
    /// <returns>The address; <see langword="null"/> without a web server that tells it.</returns>
    public static Uri? LocalAddress(IServiceProvider services)
    {
        var addresses = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        foreach (var text in addresses)
        {
            // "http://+:80" and "http://*:80" name no host.
            if (Uri.TryCreate(text.Replace("://+", "://0.0.0.0", StringComparison.Ordinal).Replace("://*", "://0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var bound))
            {
                return Reached(bound);
            }
        }

        return null;
    }

    private static Uri Reached(Uri bound)
    {
        if (!IPAddress.TryParse(bound.Host.Trim('[', ']'), out var address))
        {
            return bound;
        }

        var reached = address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address;
        return new UriBuilder(bound) { Host = reached.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{reached}]" : reached.ToString() }.Uri;
    }
}
