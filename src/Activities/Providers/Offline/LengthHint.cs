namespace Polyphony.Activities.Providers.Offline;

/// <summary>How long an answer is to be, as far as the request says so: "in three sentences", "at most 200 words", "five open questions".</summary>
/// <param name="Items">How many sentences or items, or <see langword="null"/>.</param>
/// <param name="Words">How many words at most, or <see langword="null"/>.</param>
internal sealed record LengthHint(int? Items, int? Words)
{
    private const int Largest = 9_999;

    private static readonly string[] Numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    private static readonly string[] Units = ["sentence", "point", "bullet", "question", "item", "line", "finding"];

    /// <summary>Reads the hint of a request: a number, then a unit, with at most one word between. The first of each counts.</summary>
    public static LengthHint Read(string text)
    {
        var words = text.Split([' ', '\n', '\t', ',', '.', ';', ':', '(', ')', '!', '?'], StringSplitOptions.RemoveEmptyEntries);
        int? items = null, most = null;
        for (var i = 0; i + 1 < words.Length; i++)
        {
            if (Number(words[i]) is not { } number)
            {
                continue;
            }

            var unit = Array.Find(words[(i + 1)..Math.Min(i + 3, words.Length)], word => IsWords(word) || IsItems(word));
            if (unit is not null && IsWords(unit))
            {
                most ??= number;
            }
            else if (unit is not null)
            {
                items ??= number;
            }
        }

        return new LengthHint(items, most);
    }

    private static int? Number(string word)
    {
        var number = int.TryParse(word, out var digits) ? digits : Array.FindIndex(Numbers, name => name.Equals(word, StringComparison.OrdinalIgnoreCase));
        return number is > 0 and <= Largest ? number : null;
    }

    private static bool IsWords(string word) => word.Equals("words", StringComparison.OrdinalIgnoreCase);

    private static bool IsItems(string word) => Array.Exists(Units, unit => word.StartsWith(unit, StringComparison.OrdinalIgnoreCase));
}
