using System.Security.Cryptography;
using System.Text;

namespace Polyphony.Scenarios.Tests.Oracle;

/// <summary>What the agents of random workflows answer: a function of who is asked and of everything that reached them, and nothing else.</summary>
public static class RandomAgent
{
    /// <summary>Decides whether an activation fails: 0 it does not, 1 or 2 that many times and then not, 9 for good.</summary>
    public static int Failures(int seed, string activation) => (Hash($"{seed}!{activation}") % 20) switch { 0 => 9, 1 => 1, 2 => 2, _ => 0 };

    public static int Answer(int seed, string activation, string prompt, IEnumerable<string> context) =>
        (int)(Hash($"{seed}|{activation}|{prompt}|{string.Join('|', context)}") % 1000);

    public static uint Hash(string text) => BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
