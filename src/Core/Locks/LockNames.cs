using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Locks;

/// <summary>Names of locks, of the instances that keep them, and of the requests for them.</summary>
internal static class LockNames
{
    /// <summary>What the ids of keepers begin with. Nobody else may take them.</summary>
    public const string Prefix = $"{TaskNames.LockOrchestration}.";

    /// <summary>What the names begin with under which the places of subscriptions are kept: no lock of a workflow may.</summary>
    private const string SubscriptionPrefix = "polyphony-subscription:";

    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 128;

    /// <summary>The most locks that a node takes.</summary>
    public const int MaxNames = 8;

    private const int MaxPlain = 60;
    private const int HashLength = 32;
    private const int RequestLength = 24;

    private static readonly SearchValues<char> PlainCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Finds what is wrong with a name.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The problem as a sentence; <see langword="null"/>: nothing.</returns>
    public static string? ProblemOf(string name) =>
        name.StartsWith(SubscriptionPrefix, StringComparison.Ordinal)
            ? $"\"{SourceValues.Shorten(name)}\" is no name of a lock: \"{SubscriptionPrefix}\" is for the places of subscriptions"
        : name.Length is > 0 and <= MaxLength && !name.AsSpan().ContainsAnyInRange('\0', '\u001f') && !name.Contains('\u007f')
            ? null
            : $"\"{SourceValues.Shorten(name)}\" is no name of a lock: expected 1 to {MaxLength} characters without control characters, found {name.Length.ToString(CultureInfo.InvariantCulture)} characters";

    /// <summary>Names the places of a subscription, of which each message that is handled takes one.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="subscription">The subscription.</param>
    /// <returns>The name. It may be longer than that of a lock.</returns>
    public static string Subscription(string workflow, string subscription) => $"{SubscriptionPrefix}{workflow}.{subscription}";

    /// <summary>Gets the ids of the two instances that take turns at keeping a lock: readable where the name is short and plain, otherwise with a hash, and never the same for two names.</summary>
    /// <param name="name">The lock's name.</param>
    /// <returns>The ids.</returns>
    public static (string First, string Second) Keepers(string name)
    {
        // No plain name has a dot, so that none looks like a hash.
        var readable = name.Length <= MaxPlain && !name.AsSpan().ContainsAnyExcept(PlainCharacters) ? name : $".{Hash(name, HashLength)}";
        return ($"{Prefix}{readable}.0", $"{Prefix}{readable}.1");
    }

    /// <summary>Gets the id of a keeper that takes turns with another.</summary>
    /// <param name="keeper">The id of that other one.</param>
    /// <returns>The id.</returns>
    public static string OtherOf(string keeper) => $"{keeper[..^1]}{(keeper[^1] == '0' ? '1' : '0')}";

    /// <summary>Names a request: the same on every delivery and in every generation of the instance, and another one after a rewind, or for an instance that has the id of an earlier one.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="started">When it began.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="rewinds">How many times it was set back.</param>
    /// <returns>The id.</returns>
    public static string Request(string instanceId, DateTimeOffset started, string activation, int rewinds) =>
        Hash(string.Create(CultureInfo.InvariantCulture, $"{instanceId}\n{started.UtcTicks}\n{activation}\n{rewinds}"), RequestLength);

    private static string Hash(string text, int characters) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..characters];
}
