namespace Polyphony.Activities.Providers.Offline;

/// <summary>What the names of schema members and of parts of a prompt say about them.</summary>
internal static class Names
{
    private static readonly string[] WantedWords = ["missing", "missed", "gap", "omitted", "uncovered", "to add", "must include"];
    private static readonly string[] DraftWords = ["draft", "under review", "candidate"];
    private static readonly string[] SourceWords = ["source", "document", "finding", "material"];
    private static readonly string[] JudgementWords = ["review", "rate", "judge", "score", "assess", "criticise", "criticize", "grade", "evaluate"];
    private static readonly string[] TitleWords = ["title", "name", "subject", "headline"];
    private static readonly string[] LongWords = ["summary", "report", "text", "content", "body", "answer", "draft", "overview", "abstract", "article"];
    private static readonly string[] TermWords = ["keyword", "tag", "term", "topic", "theme"];
    private static readonly string[] CountWords = ["count", "number", "total"];
    private static readonly string[] ShareWords = ["confidence", "share", "ratio", "probability", "fraction"];
    private static readonly string[] VerdictWords = ["approve", "accept", "pass", "complete", "done", "ready", "sufficient", "good"];

    /// <summary>What an answer must contain.</summary>
    public static bool IsWanted(string name) => Has(name.Replace('_', ' '), WantedWords);

    /// <summary>The text under review or under work.</summary>
    public static bool IsDraft(string name) => Has(name, DraftWords);

    /// <summary>Any part of a prompt that is known by its name.</summary>
    public static bool IsPart(string name) => IsWanted(name) || IsDraft(name) || Has(name, SourceWords);

    /// <summary>A request to judge something.</summary>
    public static bool IsJudgement(string request) => Terms.Of(request).Any(JudgementWords.Contains);

    public static bool IsTitle(string name) => Has(name, TitleWords);

    public static bool IsLong(string name) => Has(name, LongWords);

    public static bool IsTerms(string name) => Has(name, TermWords);

    public static bool IsCount(string name) => Has(name, CountWords);

    public static bool IsShare(string name) => Has(name, ShareWords);

    public static bool IsVerdict(string name) => name.Equals("ok", StringComparison.OrdinalIgnoreCase) || Has(name, VerdictWords);

    private static bool Has(string name, string[] words) => Array.Exists(words, word => name.Contains(word, StringComparison.OrdinalIgnoreCase));
}
