namespace Polyphony.Expressions.Syntax;

/// <summary>The kinds of tokens.</summary>
internal enum TokenKind
{
    End,
    Identifier,
    Null,
    True,
    False,
    Int,
    Double,
    String,
    In,
    Dot,
    Comma,
    Colon,
    Question,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Or,
    And,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

/// <summary>A token.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Offset">Where it begins in the whole text.</param>
/// <param name="Length">How long it is there.</param>
/// <param name="Text">The name, the digits, or the text that a string stands for; empty for all others.</param>
internal readonly record struct Token(TokenKind Kind, int Offset, int Length, string Text = "");
