using System.Globalization;
using System.Numerics;

namespace Polyphony.Core.Definitions;

/// <summary>
/// A number of model calls that may depend on arrays of unknown length: a sum such as <c>6 + 4 per item of "research"</c>. Immutable.
/// </summary>
public sealed class CallBound
{
    private readonly SortedDictionary<string, BigInteger> _terms;

    private CallBound(SortedDictionary<string, BigInteger> terms) => _terms = terms;

    /// <summary>Gets no calls.</summary>
    public static CallBound Zero { get; } = new([]);

    /// <summary>Gets the part that does not depend on an array.</summary>
    public BigInteger Constant => _terms.GetValueOrDefault("", BigInteger.Zero);

    /// <summary>Gets a value indicating whether the number is known.</summary>
    public bool IsKnown => _terms.Keys.All(key => key.Length == 0);

    /// <summary>Makes a known number.</summary>
    /// <param name="count">The number, 0 or more.</param>
    /// <returns>The bound.</returns>
    public static CallBound Of(BigInteger count) => count.IsZero ? Zero : new(new SortedDictionary<string, BigInteger>(StringComparer.Ordinal) { [""] = count });

    /// <summary>Adds two.</summary>
    /// <param name="a">One.</param>
    /// <param name="b">The other.</param>
    /// <returns>The sum.</returns>
    public static CallBound operator +(CallBound a, CallBound b)
    {
        var terms = new SortedDictionary<string, BigInteger>(a._terms, StringComparer.Ordinal);
        foreach (var (key, count) in b._terms)
        {
            terms[key] = terms.GetValueOrDefault(key, BigInteger.Zero) + count;
        }

        return new CallBound(terms);
    }

    /// <summary>Multiplies by a known number.</summary>
    /// <param name="factor">The number, 0 or more.</param>
    /// <returns>The product.</returns>
    public CallBound Times(BigInteger factor) =>
        factor.IsZero ? Zero : new(new SortedDictionary<string, BigInteger>(_terms.ToDictionary(term => term.Key, term => term.Value * factor), StringComparer.Ordinal));

    /// <summary>Multiplies by an unknown number of something.</summary>
    /// <param name="what">What, such as <c>item of "research"</c>.</param>
    /// <returns>The product.</returns>
    public CallBound Per(string what) => new(new SortedDictionary<string, BigInteger>(
        _terms.ToDictionary(term => term.Key.Length == 0 ? what : what + " and " + term.Key, term => term.Value), StringComparer.Ordinal));

    /// <summary>Compares with a number.</summary>
    /// <param name="limit">The number.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public bool MayExceed(BigInteger limit) => !IsKnown || Constant > limit;

    /// <inheritdoc/>
    public override string ToString() => _terms.Count == 0
        ? "0"
        : string.Join(" + ", _terms.Select(term => term.Value.ToString("N0", CultureInfo.InvariantCulture) + (term.Key.Length == 0 ? "" : " per " + term.Key)));
}
