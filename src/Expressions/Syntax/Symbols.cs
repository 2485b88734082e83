using System.Collections.Frozen;

namespace Polyphony.Expressions.Syntax;

/// <summary>An operator or a bracket.</summary>
/// <param name="Text">How it is written.</param>
/// <param name="Kind">The token that it is.</param>
/// <param name="Problem">Why it may not be written so, if it may not: then <paramref name="Kind"/> is what was meant.</param>
/// <param name="Hint">What to write instead.</param>
internal sealed record Symbol(string Text, TokenKind Kind, string? Problem = null, string? Hint = null);

/// <summary>The operators, brackets and reserved words, and the operators of other languages that are taken for one of them.</summary>
internal static class Symbols
{
    private static readonly Symbol[] All =
    [
        new(".", TokenKind.Dot),
        new(",", TokenKind.Comma),
        new(":", TokenKind.Colon),
        new("?", TokenKind.Question),
        new("(", TokenKind.OpenParenthesis),
        new(")", TokenKind.CloseParenthesis),
        new("[", TokenKind.OpenBracket),
        new("]", TokenKind.CloseBracket),
        new("{", TokenKind.OpenBrace),
        new("}", TokenKind.CloseBrace),
        new("||", TokenKind.Or),
        new("&&", TokenKind.And),
        new("!", TokenKind.Not),
        new("==", TokenKind.Equal),
        new("!=", TokenKind.NotEqual),
        new("<", TokenKind.Less),
        new("<=", TokenKind.LessOrEqual),
        new(">", TokenKind.Greater),
        new(">=", TokenKind.GreaterOrEqual),
        new("+", TokenKind.Plus),
        new("-", TokenKind.Minus),
        new("*", TokenKind.Times),
        new("/", TokenKind.Divide),
        new("%", TokenKind.Remainder),
        new("??", TokenKind.Or, "\"??\" is not an operator.", "Write coalesce(a, b)."),
        new("?.", TokenKind.Dot, "\"?.\" is not an operator.", "Test with has(a.b), or give a default with coalesce(a.b, 'none')."),
        new("!==", TokenKind.NotEqual, "\"!==\" is not an operator.", "Write \"!=\"."),
        new("===", TokenKind.Equal, "\"===\" is not an operator.", "Write \"==\"."),
        new("=>", TokenKind.GreaterOrEqual, "\"=>\" is not an operator.", "Write \">=\", or, for the items of an array, array.map(x, x.name)."),
        new("=", TokenKind.Equal, "Unexpected \"=\".", "Did you mean \"==\"?"),
        new("<>", TokenKind.NotEqual, "\"<>\" is not an operator.", "Write \"!=\"."),
        new("&", TokenKind.And, "Unexpected \"&\".", "Did you mean \"&&\"?"),
        new("|", TokenKind.Or, "Unexpected \"|\".", "Did you mean \"||\"? There are no pipes: write x.join(', ') rather than x | join."),
    ];

    private static readonly FrozenDictionary<string, TokenKind> Words = new Dictionary<string, TokenKind>
    {
        ["null"] = TokenKind.Null,
        ["true"] = TokenKind.True,
        ["false"] = TokenKind.False,
        ["in"] = TokenKind.In,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<char, Symbol[]> LongestFirst =
        All.GroupBy(symbol => symbol.Text[0]).ToFrozenDictionary(group => group.Key, group => group.OrderByDescending(symbol => symbol.Text.Length).ToArray());

    private static readonly FrozenDictionary<TokenKind, string> Texts =
        All.Where(symbol => symbol.Problem is null).Select(symbol => (symbol.Kind, symbol.Text)).Concat(Words.Select(word => (word.Value, word.Key))).ToFrozenDictionary(each => each.Item1, each => each.Item2);

    /// <summary>Gets how an operator, a bracket or a reserved word is written.</summary>
    public static string TextOf(TokenKind kind) => Texts[kind];

    /// <summary>Gets the kind of a word: a reserved one, or a name.</summary>
    public static TokenKind KindOf(string word) => Words.GetValueOrDefault(word, TokenKind.Identifier);

    /// <summary>Finds the longest symbol that a text begins with.</summary>
    public static Symbol? At(ReadOnlySpan<char> text)
    {
        if (!LongestFirst.TryGetValue(text[0], out var symbols))
        {
            return null;
        }

        foreach (var symbol in symbols)
        {
            if (text.StartsWith(symbol.Text) && !IsChoiceOfFraction(text, symbol))
            {
                return symbol;
            }
        }

        return null;
    }

    /// <summary>Gets whether <c>?.</c> are two tokens: in <c>a ?.5 : 1</c>.</summary>
    private static bool IsChoiceOfFraction(ReadOnlySpan<char> text, Symbol symbol) => symbol.Text == "?." && text.Length > 2 && char.IsAsciiDigit(text[2]);
}
