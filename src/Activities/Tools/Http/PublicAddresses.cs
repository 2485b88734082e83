using System.Net;
using System.Net.Sockets;

namespace Polyphony.Activities.Tools.Http;

/// <summary>Tells addresses of the internet from those of this machine, of its network and of its cloud, which tools of workflows reach only where the settings say so.</summary>
internal static class PublicAddresses
{
    // The special-purpose registries of IANA, and what stands for another address: NAT64, 6to4, Teredo. 168.63.129.16 is Azure's own service on every virtual machine.
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>Tells whether an address is of the internet.</summary>
    /// <param name="address">The address.</param>
    public static bool Contain(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && !Array.Exists(Special, network => network.Contains(plain));
    }
}
