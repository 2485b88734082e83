namespace Polyphony.Expressions.Syntax;

/// <content>Names, members and items.</content>
internal sealed partial class Parser
{
    private Node ParsePostfix()
    {
        var node = ParsePrimary();

        // As long as members follow a variable by fixed names, they are part of what the expression reads.
        List<string>? path = node is VariableNode variable ? [variable.Name] : null;
        var isOpen = path is not null;
        while (!_cursor.HasFailed)
        {
            if (_cursor.Current.Kind == TokenKind.Dot)
            {
                _cursor.Advance();
                var name = _cursor.Current;
                if (name.Kind != TokenKind.Identifier)
                {
                    return _cursor.Fail(name.Offset, name.Length, "Expected a name after \".\".", name.Kind is TokenKind.Int or TokenKind.Double or TokenKind.String ? "Write x[0] or x['name']." : null);
                }

                _cursor.Advance();
                if (_cursor.Current.Kind == TokenKind.OpenParenthesis)
                {
                    node = _calls.ParseMethod(node, name);
                    isOpen = false;
                }
                else
                {
                    node = Checked(new MemberNode(node, name.Text, name.Offset, name.Length) { Offset = node.Offset, Length = name.Offset + name.Length - node.Offset, Height = Node.HeightAbove(node) });
                    if (isOpen)
                    {
                        path!.Add(name.Text);
                    }
                }
            }
            else if (_cursor.Current.Kind == TokenKind.OpenBracket)
            {
                node = ParseIndex(node, out var member);
                if (isOpen && member is not null)
                {
                    path!.Add(member);
                }
                else
                {
                    isOpen = false;
                }
            }
            else if (_cursor.Current.Kind == TokenKind.OpenParenthesis)
            {
                return _cursor.Fail(_cursor.Current.Offset, _cursor.Current.Length, "Unexpected \"(\": only functions can be called.");
            }
            else
            {
                break;
            }
        }

        if (path is not null && !_references.Exists(known => known.Path.SequenceEqual(path)))
        {
            _references.Add(new ExpressionReference(path));
        }

        return node;
    }

    private Node ParseIndex(Node target, out string? member)
    {
        member = null;
        _cursor.Advance();
        var index = ParseExpression();
        _cursor.Expect(TokenKind.CloseBracket, "\"]\"");
        var length = _cursor.PreviousEnd - target.Offset;
        if (index is LiteralNode { Value.Kind: ExpressionValueKind.String } name)
        {
            member = name.Value.AsString();
            return Checked(new MemberNode(target, member, index.Offset, index.Length) { Offset = target.Offset, Length = length, Height = Node.HeightAbove(target) });
        }

        return Checked(new IndexNode(target, index) { Offset = target.Offset, Length = length, Height = Node.HeightAbove(target, index) });
    }

    private Node ParseName()
    {
        var name = _cursor.Advance();
        if (_cursor.Current.Kind == TokenKind.OpenParenthesis)
        {
            return _calls.ParseFunction(name);
        }

        return _locals.Find(name.Text) is { } slot
            ? new LocalNode(slot) { Offset = name.Offset, Length = name.Length }
            : new VariableNode(name.Text) { Offset = name.Offset, Length = name.Length };
    }
}
