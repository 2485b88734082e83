using System.Collections.Frozen;

namespace Polyphony.Activities.Providers.Offline;

/// <summary>Words that carry meaning.</summary>
internal static class Terms
{
    private const int ShortestTerm = 3;

    private static readonly FrozenSet<string> StopWords = FrozenSet.ToFrozenSet(
        ("about above after again against all also and any are because been before being below between both but can cannot could did does doing done down during each "
        + "either else ever every few for from further had has have having here how however into its itself just last least less let like made make many may might more "
        + "most much must neither never next nor not now off once one only other others our out over own per same see several shall she should since some still such "
        + "than that the their them then there these they this those though three through thus too two under until upon use used uses using very was well were what "
        + "when where whether which while who whose why will with within without would yes yet you your").Split(' '),
        StringComparer.Ordinal);

    /// <summary>Gets the different terms of a text in lower case, in order of appearance.</summary>
    public static IReadOnlyList<string> Of(ReadOnlySpan<char> text)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<string> terms = [];
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            var inTerm = i < text.Length && (char.IsLetterOrDigit(text[i]) || (text[i] is '_' && start >= 0));
            if (inTerm)
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                var term = text[start..i].ToString().ToLowerInvariant();
                start = -1;
                if (term.Length >= ShortestTerm && !char.IsDigit(term[0]) && !StopWords.Contains(term) && seen.Add(term))
                {
                    terms.Add(term);
                }
            }
        }

        return terms;
    }
}
