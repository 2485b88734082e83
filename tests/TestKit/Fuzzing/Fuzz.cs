using System.Diagnostics;
using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Polyphony.TestKit.Fuzzing;

/// <summary>
/// Runs a property on generated texts. A test run takes a fixed seed and a few rounds, so that it is the same every time; with POLYPHONY_FUZZ_SECONDS set, each
/// property goes on with new seeds for so long. A text that fails is shrunk, and shown with its seed.
/// </summary>
public static class Fuzz
{
    public const string SecondsVariable = "POLYPHONY_FUZZ_SECONDS";

    /// <summary>Checks the property.</summary>
    /// <param name="seed">The first seed.</param>
    /// <param name="rounds">How many texts one seed gives.</param>
    /// <param name="make">Makes a text.</param>
    /// <param name="property">Throws if the text shows a fault.</param>
    /// <returns>How many texts were tried.</returns>
    public static long Check(int seed, int rounds, Func<Random, string> make, Action<string> property)
    {
        var texts = Gen.Choose(0, int.MaxValue - 1).Select(number => make(new Random(number)));
        var tried = 0L;
        var all = Prop.ForAll(Arb.From(texts, Shrink), text =>
        {
            tried++;
            property(text);
        });
        var seconds = Environment.GetEnvironmentVariable(SecondsVariable) is { Length: > 0 } set ? double.Parse(set, CultureInfo.InvariantCulture) : 0;
        var began = Stopwatch.GetTimestamp();
        do
        {
            all.Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(rounds).WithReplay((ulong)seed++, 1));
        }
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds);
        return tried;
    }

    /// <summary>Changes a text in one to four places: something is cut out, put in, written over or repeated, or the end is missing.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pieces">What is put in.</param>
    /// <param name="random">The random numbers.</param>
    /// <returns>The changed text.</returns>
    public static string Mutate(string text, IReadOnlyList<string> pieces, Random random)
    {
        var mutated = new StringBuilder(text);
        for (var i = random.Next(1, 4); i > 0 && mutated.Length > 0; i--)
        {
            var at = random.Next(mutated.Length);
            switch (random.Next(5))
            {
                case 0:
                    mutated.Remove(at, Math.Min(random.Next(1, 12), mutated.Length - at));
                    break;
                case 1:
                    mutated.Insert(at, pieces[random.Next(pieces.Count)]);
                    break;
                case 2:
                    mutated[at] = (char)random.Next(1, 0x250);
                    break;
                case 3:
                    var length = Math.Min(random.Next(1, 60), mutated.Length - at);
                    mutated.Insert(random.Next(mutated.Length), mutated.ToString(at, length));
                    break;
                default:
                    mutated.Length = at;
                    break;
            }
        }

        return mutated.ToString();
    }

    // Halves, quarters and so on, cut out anywhere.
    private static IEnumerable<string> Shrink(string text)
    {
        for (var length = text.Length / 2; length > 0; length /= 2)
        {
            for (var at = 0; at + length <= text.Length; at += length)
            {
                yield return text.Remove(at, length);
            }
        }
    }
}
