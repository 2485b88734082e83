using System.Globalization;

namespace Polyphony.Core.Expressions.Syntax;

/// <summary>
/// Builds the tree by precedence climbing. The first syntax error ends the reading, because what is said about the rest would be
/// nonsense; what the lexer can put right by itself does not.
/// </summary>
internal sealed partial class Parser
{
    private readonly List<Token> _tokens;
    private readonly ICollection<ExpressionProblem> _problems;
    private readonly List<ExpressionReference> _references = [];
    private readonly List<string> _locals = [];
    private readonly List<int> _localSlots = [];
    private int _slots;
    private int _index;
    private int _depth;
    private bool _failed;

    private Parser(List<Token> tokens, ICollection<ExpressionProblem> problems)
    {
        _tokens = tokens;
        _problems = problems;
    }

    private Token Current => _tokens[_index];

    /// <summary>Parses one expression.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="start">Where the expression begins.</param>
    /// <param name="inTemplate">Whether it ends at <c>}}</c>.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="isClosed">Whether <c>}}</c> was found.</param>
    /// <returns>The tree, or <see langword="null"/> if there is a problem.</returns>
    public static SyntaxTree? Parse(string text, int start, bool inTemplate, List<ExpressionProblem> problems, out int end, out bool isClosed)
    {
        var before = problems.Count;
        var lexer = new Lexer(text, start, inTemplate, problems);
        var tokens = lexer.Read();
        end = lexer.EndOffset;
        isClosed = lexer.IsClosed;
        if (end - start > ExpressionLimits.TextLength)
        {
            problems.RemoveRange(before, problems.Count - before);
            problems.Add(new ExpressionProblem(start, end - start, $"The expression is longer than {ExpressionLimits.TextLength} characters."));
            return null;
        }

        if (lexer.IsBroken || (inTemplate && !isClosed))
            return null;
        var parser = new Parser(tokens, problems);
        var root = parser.ParseRoot();
        return problems.Count > before ? null : new SyntaxTree(new ExpressionSource(text, start, end), root, parser._slots, parser._references);
    }

    private Node ParseRoot()
    {
        if (Current.Kind == TokenKind.End)
            return Fail(Current.Offset, 0, "The expression is empty.");
        var root = ParseExpression();
        if (Current.Kind != TokenKind.End)
            FailUnexpected("the end of the expression");
        return root;
    }

    private Node ParseExpression()
    {
        if (++_depth > ExpressionLimits.Nesting)
            return Fail(Current.Offset, Current.Length, $"The expression is nested deeper than {ExpressionLimits.Nesting} levels.");
        var node = ParseBinary(1);
        if (Current.Kind == TokenKind.Question)
        {
            Advance();
            var then = ParseExpression();
            Expect(TokenKind.Colon, "\":\" and the value for when the condition is false");
            var otherwise = ParseExpression();
            node = Checked(new ConditionalNode(node, then, otherwise) { Offset = node.Offset, Length = otherwise.End - node.Offset, Height = Above(node, then, otherwise) });
        }

        _depth--;
        return node;
    }

    private Node ParseBinary(int lowest)
    {
        var left = ParseUnary();
        while (!_failed)
        {
            ReplaceWord();
            var token = Current;
            var precedence = Precedence(token.Kind);
            if (precedence < lowest)
                break;
            Advance();
            var right = ParseBinary(precedence + 1);
            left = Checked(Combine(left, token, right));
        }

        return left;
    }

    private static int Precedence(TokenKind kind) => kind switch
    {
        TokenKind.Or => 1,
        TokenKind.And => 2,
        TokenKind.Equal or TokenKind.NotEqual or TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual or TokenKind.In => 3,
        TokenKind.Plus or TokenKind.Minus => 4,
        TokenKind.Times or TokenKind.Divide or TokenKind.Remainder => 5,
        _ => 0,
    };

    private static Node Combine(Node left, Token operation, Node right)
    {
        var offset = left.Offset;
        var length = right.End - offset;
        var height = Above(left, right);
        return operation.Kind switch
        {
            TokenKind.Or or TokenKind.And => new LogicNode(left, right, operation.Kind == TokenKind.And) { Offset = offset, Length = length, Height = height },
            TokenKind.Equal or TokenKind.NotEqual => new EqualityNode(left, right, operation.Kind == TokenKind.NotEqual) { Offset = offset, Length = length, Height = height },
            TokenKind.In => new InNode(left, right) { Offset = offset, Length = length, Height = height },
            TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual =>
                new OrderNode(left, right, operation.Kind, operation.Offset) { Offset = offset, Length = length, Height = height },
            _ => new ArithmeticNode(left, right, operation.Kind, operation.Offset) { Offset = offset, Length = length, Height = height },
        };
    }

    /// <summary>Takes a word that stands where only an operator can for the operator of that name.</summary>
    private void ReplaceWord()
    {
        var token = Current;
        if (token.Kind != TokenKind.Identifier)
            return;
        (TokenKind Kind, string Symbol)? meant = token.Text.ToLowerInvariant() switch
        {
            "and" => (TokenKind.And, "&&"),
            "or" => (TokenKind.Or, "||"),
            "is" or "eq" => (TokenKind.Equal, "=="),
            "ne" => (TokenKind.NotEqual, "!="),
            "lt" => (TokenKind.Less, "<"),
            "gt" => (TokenKind.Greater, ">"),
            "mod" => (TokenKind.Remainder, "%"),
            _ => null,
        };
        if (meant is null)
            return;
        _problems.Add(new ExpressionProblem(token.Offset, token.Length, $"\"{token.Text}\" is not an operator.", $"Write \"{meant.Value.Symbol}\"."));
        _tokens[_index] = token with { Kind = meant.Value.Kind, Text = "" };
    }

    private Node ParseUnary()
    {
        var token = Current;
        if (token is { Kind: TokenKind.Identifier, Text: "not" } && StartsValue(_tokens[_index + 1].Kind))
        {
            _problems.Add(new ExpressionProblem(token.Offset, token.Length, "\"not\" is not an operator.", "Write \"!\"."));
            token = token with { Kind = TokenKind.Not };
        }

        if (token.Kind is not (TokenKind.Not or TokenKind.Minus))
            return ParsePostfix();
        Advance();
        if (token.Kind == TokenKind.Minus && Current.Kind is TokenKind.Int or TokenKind.Double && Current.Offset == token.Offset + 1)
        {
            // The smallest int has no positive counterpart, so the sign belongs to the literal.
            _tokens[_index] = Current with { Offset = token.Offset, Length = Current.Length + 1, Text = "-" + Current.Text };
            return ParsePostfix();
        }

        if (++_depth > ExpressionLimits.Nesting)
            return Fail(token.Offset, token.Length, $"The expression is nested deeper than {ExpressionLimits.Nesting} levels.");
        var operand = ParseUnary();
        _depth--;
        var length = operand.End - token.Offset;
        return Checked(token.Kind == TokenKind.Not
            ? new NotNode(operand) { Offset = token.Offset, Length = length, Height = Above(operand) }
            : new NegateNode(operand) { Offset = token.Offset, Length = length, Height = Above(operand) });
    }

    private static bool StartsValue(TokenKind kind) => kind is TokenKind.Identifier or TokenKind.True or TokenKind.False or TokenKind.Not;

    private Node ParsePrimary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Null:
                return Literal(ExpressionValue.Null);
            case TokenKind.True:
                return Literal(ExpressionValue.FromBoolean(true));
            case TokenKind.False:
                return Literal(ExpressionValue.FromBoolean(false));
            case TokenKind.String:
                return Literal(ExpressionValue.FromString(token.Text));
            case TokenKind.Int:
                if (long.TryParse(token.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
                    return Literal(ExpressionValue.FromInt64(whole));
                return Fail(token.Offset, token.Length, "The number doesn't fit into 64 bits.", "Write it with a fraction: 1e20 or 1.0.");
            case TokenKind.Double:
                if (double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
                    return Literal(ExpressionValue.FromDouble(number));
                return Fail(token.Offset, token.Length, "The number is too large.");
            case TokenKind.OpenParenthesis:
                Advance();
                var inner = ParseExpression();
                Expect(TokenKind.CloseParenthesis, "\")\"");
                return inner;
            case TokenKind.OpenBracket:
                return ParseList();
            case TokenKind.OpenBrace:
                return ParseMap();
            case TokenKind.Identifier:
                return ParseName();
            default:
                return FailUnexpected("a value");
        }
    }

    private LiteralNode Literal(ExpressionValue value)
    {
        var token = Advance();
        return new LiteralNode(value) { Offset = token.Offset, Length = token.Length };
    }

    private Node ParseList()
    {
        var open = Advance();
        var items = ParseItems(TokenKind.CloseBracket, "\",\" or \"]\"");
        return Checked(new ListNode(items) { Offset = open.Offset, Length = PreviousEnd - open.Offset, Height = Above([.. items]) });
    }

    private Node ParseMap()
    {
        var open = Advance();
        List<(Node, Node)> members = [];
        List<Node> parts = [];
        while (!_failed && Current.Kind != TokenKind.CloseBrace)
        {
            var key = ParseExpression();
            if (key is VariableNode variable && Current.Kind == TokenKind.Colon)
                return Fail(key.Offset, key.Length, $"The key of a map is an expression, and \"{variable.Name}\" would be a variable.", $"Write it in quotes: '{variable.Name}'. For a variable, write ({variable.Name} + '').");
            Expect(TokenKind.Colon, "\":\" and the value of the key");
            var value = ParseExpression();
            members.Add((key, value));
            parts.Add(key);
            parts.Add(value);
            if (Current.Kind == TokenKind.Comma)
                Advance();
            else if (Current.Kind != TokenKind.CloseBrace)
                FailUnexpected("\",\" or \"}\"");
        }

        Expect(TokenKind.CloseBrace, "\"}\"");
        return Checked(new MapNode(members) { Offset = open.Offset, Length = PreviousEnd - open.Offset, Height = Above([.. parts]) });
    }

    /// <summary>Parses what stands between brackets; a comma after the last item is allowed, as in CEL.</summary>
    private List<Node> ParseItems(TokenKind close, string expected)
    {
        List<Node> items = [];
        while (!_failed && Current.Kind != close)
        {
            items.Add(ParseExpression());
            if (Current.Kind == TokenKind.Comma)
                Advance();
            else if (Current.Kind != close)
                FailUnexpected(expected);
        }

        Expect(close, expected);
        return items;
    }

    private int PreviousEnd => _index == 0 ? 0 : _tokens[_index - 1].Offset + _tokens[_index - 1].Length;

    private Token Advance()
    {
        var token = Current;
        if (token.Kind != TokenKind.End)
            _index++;
        return token;
    }

    private void Expect(TokenKind kind, string expected)
    {
        if (Current.Kind == kind)
            Advance();
        else
            FailUnexpected(expected);
    }

    private Node Checked(Node node) => node.Height <= ExpressionLimits.Chain
        ? node
        : Fail(node.Offset, node.Length, $"The expression builds on itself more than {ExpressionLimits.Chain} times.", "Split it: let a transform node compute a part. Many texts are joined with ['a', 'b'].join().");

    private static int Above(params ReadOnlySpan<Node> children)
    {
        var height = 0;
        foreach (var child in children)
            height = Math.Max(height, child.Height);
        return height + 1;
    }

    private Node FailUnexpected(string expected)
    {
        var token = Current;
        if (token.Kind == TokenKind.End)
            return Fail(token.Offset, 0, $"The expression ends too early: expected {expected}.");
        var (shown, hint) = token.Kind switch
        {
            TokenKind.Identifier => ($"\"{token.Text}\"", Current.Text is "if" or "else" or "then" ? "Write condition ? a : b." : null),
            TokenKind.String => ("a text", "Texts are joined with \"+\"."),
            TokenKind.Int or TokenKind.Double => ($"\"{token.Text}\"", null),
            _ => ($"\"{Symbol(token.Kind)}\"", (string?)null),
        };
        return Fail(token.Offset, token.Length, $"Unexpected {shown}: expected {expected}.", hint);
    }

    /// <summary>Reports the first syntax error and goes to the end, where nothing more is reported.</summary>
    private Node Fail(int offset, int length, string message, string? hint = null)
    {
        if (!_failed)
            _problems.Add(new ExpressionProblem(offset, length, message, hint));
        _failed = true;
        _index = _tokens.Count - 1;
        return new LiteralNode(default) { Offset = offset, Length = length };
    }

    private static string Symbol(TokenKind kind) => kind switch
    {
        TokenKind.Null => "null",
        TokenKind.True => "true",
        TokenKind.False => "false",
        TokenKind.In => "in",
        TokenKind.Dot => ".",
        TokenKind.Comma => ",",
        TokenKind.Colon => ":",
        TokenKind.Question => "?",
        TokenKind.OpenParenthesis => "(",
        TokenKind.CloseParenthesis => ")",
        TokenKind.OpenBracket => "[",
        TokenKind.CloseBracket => "]",
        TokenKind.OpenBrace => "{",
        TokenKind.CloseBrace => "}",
        TokenKind.Or => "||",
        TokenKind.And => "&&",
        TokenKind.Not => "!",
        TokenKind.Equal => "==",
        TokenKind.NotEqual => "!=",
        TokenKind.Less => "<",
        TokenKind.LessOrEqual => "<=",
        TokenKind.Greater => ">",
        TokenKind.GreaterOrEqual => ">=",
        TokenKind.Plus => "+",
        TokenKind.Minus => "-",
        TokenKind.Times => "*",
        TokenKind.Divide => "/",
        _ => "%",
    };
}
