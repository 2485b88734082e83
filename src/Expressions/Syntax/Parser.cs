using System.Globalization;

namespace Polyphony.Expressions.Syntax;

/// <summary>Builds the tree by precedence climbing. <see cref="TokenCursor"/> knows where it is, and <see cref="CallParser"/> how to read a call.</summary>
internal sealed partial class Parser
{
    private readonly TokenCursor _cursor;
    private readonly CallParser _calls;
    private readonly LocalNames _locals = new();
    private readonly List<ExpressionReference> _references = [];
    private int _depth;

    private Parser(TokenCursor cursor)
    {
        _cursor = cursor;
        _calls = new CallParser(this, cursor, _locals);
    }

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
        {
            return null;
        }

        var parser = new Parser(new TokenCursor(tokens, problems));
        var root = parser.ParseRoot();
        return problems.Count > before ? null : new SyntaxTree(new ExpressionSource(text, start, end), root, parser._locals.Slots, parser._references);
    }

    private Node ParseRoot()
    {
        if (_cursor.Current.Kind == TokenKind.End)
        {
            return _cursor.Fail(_cursor.Current.Offset, 0, "The expression is empty.");
        }

        var root = ParseExpression();
        if (_cursor.Current.Kind != TokenKind.End)
        {
            _cursor.FailUnexpected("the end of the expression");
        }

        return root;
    }

    /// <summary>Parses an expression, or one within another.</summary>
    public Node ParseExpression()
    {
        if (++_depth > ExpressionLimits.Nesting)
        {
            return _cursor.Fail(_cursor.Current.Offset, _cursor.Current.Length, $"The expression is nested deeper than {ExpressionLimits.Nesting} levels.");
        }

        var node = ParseBinary(1);
        if (_cursor.Current.Kind == TokenKind.Question)
        {
            _cursor.Advance();
            var then = ParseExpression();
            _cursor.Expect(TokenKind.Colon, "\":\" and the value for when the condition is false");
            var otherwise = ParseExpression();
            node = Checked(new ConditionalNode(node, then, otherwise) { Offset = node.Offset, Length = otherwise.End - node.Offset, Height = Node.HeightAbove(node, then, otherwise) });
        }

        _depth--;
        return node;
    }

    private Node ParseBinary(int lowest)
    {
        var left = ParseUnary();
        while (!_cursor.HasFailed)
        {
            ReplaceWord();
            var token = _cursor.Current;
            var precedence = Precedence(token.Kind);
            if (precedence < lowest)
            {
                break;
            }

            _cursor.Advance();
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
        var height = Node.HeightAbove(left, right);
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
        var token = _cursor.Current;
        if (token.Kind != TokenKind.Identifier)
        {
            return;
        }

        TokenKind? meant = token.Text.ToLowerInvariant() switch
        {
            "and" => TokenKind.And,
            "or" => TokenKind.Or,
            "is" or "eq" => TokenKind.Equal,
            "ne" => TokenKind.NotEqual,
            "lt" => TokenKind.Less,
            "gt" => TokenKind.Greater,
            "mod" => TokenKind.Remainder,
            _ => null,
        };
        if (meant is null)
        {
            return;
        }

        _cursor.Report(token.Offset, token.Length, $"\"{token.Text}\" is not an operator.", $"Write \"{Symbols.TextOf(meant.Value)}\".");
        _cursor.Replace(token with { Kind = meant.Value, Text = "" });
    }

    private Node ParseUnary()
    {
        var token = _cursor.Current;
        if (token is { Kind: TokenKind.Identifier, Text: "not" } && StartsValue(_cursor.Next.Kind))
        {
            _cursor.Report(token.Offset, token.Length, "\"not\" is not an operator.", "Write \"!\".");
            token = token with { Kind = TokenKind.Not };
        }

        if (token.Kind is not (TokenKind.Not or TokenKind.Minus))
        {
            return ParsePostfix();
        }

        _cursor.Advance();
        if (token.Kind == TokenKind.Minus && _cursor.Current.Kind is TokenKind.Int or TokenKind.Double && _cursor.Current.Offset == token.Offset + 1)
        {
            // The smallest int has no positive counterpart, so the sign belongs to the literal.
            _cursor.Replace(_cursor.Current with { Offset = token.Offset, Length = _cursor.Current.Length + 1, Text = "-" + _cursor.Current.Text });
            return ParsePostfix();
        }

        if (++_depth > ExpressionLimits.Nesting)
        {
            return _cursor.Fail(token.Offset, token.Length, $"The expression is nested deeper than {ExpressionLimits.Nesting} levels.");
        }

        var operand = ParseUnary();
        _depth--;
        var length = operand.End - token.Offset;
        return Checked(token.Kind == TokenKind.Not
            ? new NotNode(operand) { Offset = token.Offset, Length = length, Height = Node.HeightAbove(operand) }
            : new NegateNode(operand) { Offset = token.Offset, Length = length, Height = Node.HeightAbove(operand) });
    }

    private static bool StartsValue(TokenKind kind) => kind is TokenKind.Identifier or TokenKind.True or TokenKind.False or TokenKind.Not;

    private Node ParsePrimary()
    {
        var token = _cursor.Current;
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
                {
                    return Literal(ExpressionValue.FromInt64(whole));
                }

                return _cursor.Fail(token.Offset, token.Length, "The number doesn't fit into 64 bits.", "Write it with a fraction: 1e20 or 1.0.");
            case TokenKind.Double:
                if (double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
                {
                    return Literal(ExpressionValue.FromDouble(number));
                }

                return _cursor.Fail(token.Offset, token.Length, "The number is too large.");
            case TokenKind.OpenParenthesis:
                _cursor.Advance();
                var inner = ParseExpression();
                _cursor.Expect(TokenKind.CloseParenthesis, "\")\"");
                return inner;
            case TokenKind.OpenBracket:
                return ParseList();
            case TokenKind.OpenBrace:
                return ParseMap();
            case TokenKind.Identifier:
                return ParseName();
            default:
                return _cursor.FailUnexpected("a value");
        }
    }

    private LiteralNode Literal(ExpressionValue value)
    {
        var token = _cursor.Advance();
        return new LiteralNode(value) { Offset = token.Offset, Length = token.Length };
    }

    private Node ParseList()
    {
        var open = _cursor.Advance();
        var items = ParseItems(TokenKind.CloseBracket, "\",\" or \"]\"");
        return Checked(new ListNode(items) { Offset = open.Offset, Length = _cursor.PreviousEnd - open.Offset, Height = Node.HeightAbove([.. items]) });
    }

    private Node ParseMap()
    {
        var open = _cursor.Advance();
        List<(Node, Node)> members = [];
        List<Node> parts = [];
        while (!_cursor.HasFailed && _cursor.Current.Kind != TokenKind.CloseBrace)
        {
            var key = ParseExpression();
            if (key is VariableNode variable && _cursor.Current.Kind == TokenKind.Colon)
            {
                return _cursor.Fail(key.Offset, key.Length, $"The key of an object is an expression, and \"{variable.Name}\" would be a variable.", $"Write it in quotes: '{variable.Name}'. For a variable, write ({variable.Name} + '').");
            }

            _cursor.Expect(TokenKind.Colon, "\":\" and the value of the key");
            var value = ParseExpression();
            members.Add((key, value));
            parts.Add(key);
            parts.Add(value);
            if (_cursor.Current.Kind == TokenKind.Comma)
            {
                _cursor.Advance();
            }
            else if (_cursor.Current.Kind != TokenKind.CloseBrace)
            {
                _cursor.FailUnexpected("\",\" or \"}\"");
            }
        }

        _cursor.Expect(TokenKind.CloseBrace, "\"}\"");
        return Checked(new MapNode(members) { Offset = open.Offset, Length = _cursor.PreviousEnd - open.Offset, Height = Node.HeightAbove([.. parts]) });
    }

    /// <summary>Parses what stands between brackets; a comma after the last item is allowed, as in CEL.</summary>
    public List<Node> ParseItems(TokenKind close, string expected)
    {
        List<Node> items = [];
        while (!_cursor.HasFailed && _cursor.Current.Kind != close)
        {
            items.Add(ParseExpression());
            if (_cursor.Current.Kind == TokenKind.Comma)
            {
                _cursor.Advance();
            }
            else if (_cursor.Current.Kind != close)
            {
                _cursor.FailUnexpected(expected);
            }
        }

        _cursor.Expect(close, expected);
        return items;
    }

    /// <summary>Refuses a node that is too high to be evaluated by recursion.</summary>
    public Node Checked(Node node) => node.Height <= ExpressionLimits.Chain
        ? node
        : _cursor.Fail(node.Offset, node.Length, $"The expression builds on itself more than {ExpressionLimits.Chain} times.", "Split it: let a transform node compute a part. Many strings are joined with ['a', 'b'].join().");
}
