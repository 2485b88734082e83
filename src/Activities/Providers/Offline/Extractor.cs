using System.Text;

namespace Polyphony.Activities.Providers.Offline;

/// <summary>Chooses sentences.</summary>
/// <remarks>
/// A term weighs as much as there are sentences that contain it, and three times that if the request names it. Sentences are taken one by one, each time the one whose terms that are not
/// covered yet weigh most, divided by the square root of its length in terms; of equal ones the first (greedy coverage, as in budgeted maximum
/// coverage: Khuller, Moss, Naor 1999). So each sentence adds what the ones before it lack. They are given in the order of the input, under
/// the names of their sources if there are several.
/// </remarks>
internal static class Extractor
{
    /// <summary>How many terms a draft is measured by.</summary>
    public const int KeyTerms = 40;

    private const int DefaultSentences = 5;
    private const int FocusFactor = 3;
    private const int MostSentences = 40;

    // Coverage is quadratic in the sentences; past these the later ones of very long input are not looked at.
    private const int MostCandidates = 4_000;

    /// <summary>Answers in plain text: the sentences that must be there, those of the draft, and the most informative ones.</summary>
    public static string Summarize(OfflineMaterial material)
    {
        var hint = LengthHint.Read($"{material.Request}\n{material.Instructions}");
        var sources = material.Sources.Count > 0 ? material.Sources : [new OfflineSource("", material.Draft)];
        var all = sources.SelectMany(source => source.Sentences).ToArray();
        var kept = new List<Sentence>();
        if (material.Wanted.Count > 0)
        {
            kept.AddRange(Sentence.Split(material.Draft));
            kept.AddRange(material.Wanted.SelectMany(text => Sentence.Split(text) is { Count: > 0 } sentences ? sentences : [new Sentence(text, Terms.Of(text))]));
        }

        var count = hint.Items ?? Math.Clamp(2 * sources.Count, DefaultSentences, MostSentences);
        var picked = Pick(all, count, kept, Terms.Of(material.Request));
        var text = Arrange(sources, [.. kept, .. picked]);
        return text.Length == 0 ? Whole(material, hint) : hint.Words is { } words ? CutWords(text, words) : text;
    }

    /// <summary>Takes up to <paramref name="count"/> sentences that add most to what others cover already.</summary>
    public static IReadOnlyList<Sentence> Pick(IReadOnlyList<Sentence> sentences, int count, IEnumerable<Sentence>? covered = null, IReadOnlyList<string>? focus = null)
    {
        var weights = Weigh(sentences);
        foreach (var term in focus ?? [])
        {
            if (weights.TryGetValue(term, out var weight))
            {
                weights[term] = weight * FocusFactor;
            }
        }

        var seen = new HashSet<string>((covered ?? []).SelectMany(sentence => sentence.Terms), StringComparer.Ordinal);
        var candidates = sentences.DistinctBy(sentence => sentence.Text).Take(MostCandidates).ToList();
        List<Sentence> picked = [];
        while (picked.Count < count)
        {
            Sentence? best = null;
            var bestScore = 0d;
            foreach (var candidate in candidates)
            {
                var score = candidate.Terms.Sum(term => seen.Contains(term) ? 0 : weights[term]) / Math.Sqrt(candidate.Terms.Count);
                if (score > bestScore)
                {
                    (best, bestScore) = (candidate, score);
                }
            }

            if (best is null)
            {
                break;
            }

            picked.Add(best);
            candidates.Remove(best);
            seen.UnionWith(best.Terms);
        }

        return picked;
    }

    /// <summary>Gets the terms that most sentences contain, heaviest first.</summary>
    public static IReadOnlyList<string> TopTerms(IReadOnlyList<Sentence> sentences, int count) =>
        [.. Weigh(sentences).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(count).Select(pair => pair.Key)];

    /// <summary>Measures how much of what the sources speak about a text covers: the share of their key terms that it contains.</summary>
    /// <returns>0 to 1; 1 if there are no sources.</returns>
    public static double Coverage(IReadOnlyList<Sentence> sources, string text)
    {
        var key = TopTerms(sources, KeyTerms);
        var covered = Terms.Of(text).ToHashSet(StringComparer.Ordinal);
        return key.Count == 0 ? 1 : (double)key.Count(covered.Contains) / key.Count;
    }

    /// <summary>Finds the sentences of the sources that a text would need to cover their key terms, most useful first.</summary>
    public static IReadOnlyList<Sentence> Missing(IReadOnlyList<Sentence> sources, string text, int count)
    {
        var open = TopTerms(sources, KeyTerms).Except(Terms.Of(text)).ToHashSet(StringComparer.Ordinal);
        List<Sentence> missing = [];
        while (open.Count > 0 && missing.Count < count)
        {
            var best = sources.Take(MostCandidates).MaxBy(sentence => sentence.Terms.Count(open.Contains))!;
            if (!best.Terms.Any(open.Contains))
            {
                break;
            }

            missing.Add(best);
            open.ExceptWith(best.Terms);
        }

        return missing;
    }

    private static Dictionary<string, int> Weigh(IReadOnlyList<Sentence> sentences)
    {
        var weights = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var term in sentences.SelectMany(sentence => sentence.Terms))
        {
            weights[term] = weights.GetValueOrDefault(term) + 1;
        }

        return weights;
    }

    private static string Arrange(IReadOnlyList<OfflineSource> sources, IReadOnlyList<Sentence> chosen)
    {
        var left = chosen.DistinctBy(sentence => sentence.Text).ToDictionary(sentence => sentence.Text, StringComparer.Ordinal);
        List<(string Name, List<string> Lines)> groups = [];
        foreach (var source in sources)
        {
            List<string> lines = [.. source.Sentences.Select(sentence => sentence.Text).Where(text => left.Remove(text))];
            if (lines.Count == 0)
            {
                continue;
            }

            if (groups.Find(group => group.Name == source.Name) is { Lines: { } same })
            {
                same.AddRange(lines);
            }
            else
            {
                groups.Add((source.Name, lines));
            }
        }

        if (left.Count > 0)
        {
            groups.Insert(0, ("", [.. left.Keys]));
        }

        var text = new StringBuilder();
        foreach (var (name, lines) in groups)
        {
            text.Append(text.Length == 0 ? "" : "\n\n");
            if (name.Length > 0 && groups.Count > 1)
            {
                text.Append("## ").Append(name).Append("\n\n");
            }

            text.AppendJoin('\n', lines);
        }

        return text.ToString();
    }

    // Too little for a sentence: all of it is the answer.
    private static string Whole(OfflineMaterial material, LengthHint hint) =>
        CutWords(string.Join("\n\n", material.Sources.Select(source => source.Text)) is { Length: > 0 } text ? text : material.Draft, hint.Words ?? 200);

    private static string CutWords(string text, int words)
    {
        var position = 0;
        for (var i = 0; i < words && position < text.Length; i++)
        {
            while (position < text.Length && char.IsWhiteSpace(text[position]))
            {
                position++;
            }

            while (position < text.Length && !char.IsWhiteSpace(text[position]))
            {
                position++;
            }
        }

        return text[..position].TrimEnd();
    }
}
