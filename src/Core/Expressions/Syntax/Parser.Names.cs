using System.Text.RegularExpressions;
using Polyphony.Core.Expressions.Evaluation;

namespace Polyphony.Core.Expressions.Syntax;

/// <content>Names, members, calls and macros.</content>
internal sealed partial class Parser
{
    private Node ParsePostfix()
    {
        var node = ParsePrimary();

        // As long as members follow a variable by fixed names, they are part of what the expression reads.
        List<string>? path = node is VariableNode variable ? [variable.Name] : null;
        var isOpen = path is not null;
        while (!_failed)
        {
            if (Current.Kind == TokenKind.Dot)
            {
                Advance();
                var name = Current;
                if (name.Kind != TokenKind.Identifier)
                    return Fail(name.Offset, name.Length, "Expected a name after \".\".", name.Kind is TokenKind.Int or TokenKind.Double or TokenKind.String ? "Write x[0] or x['name']." : null);
                Advance();
                if (Current.Kind == TokenKind.OpenParenthesis)
                {
                    node = ParseMethod(node, name);
                    isOpen = false;
                }
                else
                {
                    node = Checked(new MemberNode(node, name.Text, name.Offset, name.Length) { Offset = node.Offset, Length = name.Offset + name.Length - node.Offset, Height = Above(node) });
                    if (isOpen)
                        path!.Add(name.Text);
                }
            }
            else if (Current.Kind == TokenKind.OpenBracket)
            {
                node = ParseIndex(node, out var member);
                if (isOpen && member is not null)
                    path!.Add(member);
                else
                    isOpen = false;
            }
            else if (Current.Kind == TokenKind.OpenParenthesis)
            {
                return Fail(Current.Offset, Current.Length, "Unexpected \"(\": only functions can be called.");
            }
            else
            {
                break;
            }
        }

        if (path is not null && !_references.Exists(known => known.Path.SequenceEqual(path)))
            _references.Add(new ExpressionReference(path));
        return node;
    }

    private Node ParseIndex(Node target, out string? member)
    {
        member = null;
        Advance();
        var index = ParseExpression();
        Expect(TokenKind.CloseBracket, "\"]\"");
        var length = PreviousEnd - target.Offset;
        if (index is LiteralNode { Value.Kind: ExpressionValueKind.String } name)
        {
            member = name.Value.AsString();
            return Checked(new MemberNode(target, member, index.Offset, index.Length) { Offset = target.Offset, Length = length, Height = Above(target) });
        }

        return Checked(new IndexNode(target, index) { Offset = target.Offset, Length = length, Height = Above(target, index) });
    }

    private Node ParseName()
    {
        var name = Advance();
        if (Current.Kind == TokenKind.OpenParenthesis)
            return ParseFunction(name);
        var slot = _locals.LastIndexOf(name.Text);
        return slot >= 0
            ? new LocalNode(_localSlots[slot]) { Offset = name.Offset, Length = name.Length }
            : new VariableNode(name.Text) { Offset = name.Offset, Length = name.Length };
    }

    private Node ParseFunction(Token name)
    {
        var function = Functions.Find(name.Text, isMethod: false);
        if (function is null && !Functions.SpecialFunctions.Contains(name.Text))
            return Fail(name.Offset, name.Length, $"There is no function \"{name.Text}\".", Functions.Hint(name.Text, isMethod: false));
        var arguments = ParseArguments();
        if (_failed)
            return arguments.Count > 0 ? arguments[0] : Nothing(name);
        var length = PreviousEnd - name.Offset;
        if (function is not null)
            return Call(function, name, arguments, name.Offset);
        if (name.Text == "has")
        {
            return arguments is [MemberNode]
                ? Checked(new HasNode(arguments[0]) { Offset = name.Offset, Length = length, Height = Above(arguments[0]) })
                : Fail(name.Offset, length, "has() needs one path to a member.", "Write has(a.b).");
        }

        return arguments.Count >= 2
            ? Checked(new CoalesceNode(arguments) { Offset = name.Offset, Length = length, Height = Above([.. arguments]) })
            : Fail(name.Offset, length, "coalesce() needs two values or more.", "Write coalesce(x, default).");
    }

    private Node ParseMethod(Node target, Token name)
    {
        if (Macro(name.Text) is { } macro)
            return ParseMacro(macro, target, name);
        var function = Functions.Find(name.Text, isMethod: true);
        if (function is null && name.Text != "matches")
            return Fail(name.Offset, name.Length, $"There is no function \"{name.Text}\" that is called after a dot.", Functions.Hint(name.Text, isMethod: true));
        var arguments = ParseArguments();
        if (_failed)
            return target;
        arguments.Insert(0, target);
        return function is not null ? Call(function, name, arguments, target.Offset) : ParseMatches(name, arguments);
    }

    private Node Call(Function function, Token name, List<Node> arguments, int offset)
    {
        var count = arguments.Count;
        if (count < function.Required || count > function.Parameters.Count)
        {
            var receiver = function.IsMethod ? 1 : 0;
            var least = function.Required - receiver;
            var most = function.Parameters.Count - receiver;
            var expected = most == 0 ? "no arguments" : least == most ? $"{Count(most)}" : least == 0 ? $"at most {Count(most)}" : $"{least} to {Count(most)}";
            return Fail(name.Offset, name.Length, $"{function.Name}() takes {expected}, found {count - receiver}.", $"Write {function.Usage}.");
        }

        return Checked(new CallNode(function, arguments) { Offset = offset, Length = PreviousEnd - offset, Height = Above([.. arguments]) });
    }

    private static string Count(int arguments) => arguments == 1 ? "1 argument" : $"{arguments} arguments";

    private Node ParseMatches(Token name, List<Node> arguments)
    {
        if (arguments.Count != 2)
            return Fail(name.Offset, name.Length, $"matches() takes 1 argument, found {arguments.Count - 1}.", "Write text.matches('pattern').");
        Regex? regex = null;
        if (arguments[1] is LiteralNode { Value.Kind: ExpressionValueKind.String } pattern
            && (regex = SafePattern.TryCompile(pattern.Value.AsString(), out var problem)) is null)
        {
            // The rest can still be read.
            _problems.Add(new ExpressionProblem(pattern.Offset, pattern.Length, problem!));
        }

        var offset = arguments[0].Offset;
        return Checked(new MatchesNode(arguments[0], arguments[1], regex) { Offset = offset, Length = PreviousEnd - offset, Height = Above(arguments[0], arguments[1]) });
    }

    private List<Node> ParseArguments()
    {
        Advance();
        return ParseItems(TokenKind.CloseParenthesis, "\",\" or \")\"");
    }

    private static MacroKind? Macro(string name) => name switch
    {
        "all" => MacroKind.All,
        "exists" => MacroKind.Exists,
        "exists_one" => MacroKind.ExistsOne,
        "filter" => MacroKind.Filter,
        "map" => MacroKind.Map,
        "sortBy" => MacroKind.SortBy,
        _ => null,
    };

    private Node ParseMacro(MacroKind kind, Node target, Token name)
    {
        Advance();
        var variable = Current;
        var usage = kind switch
        {
            MacroKind.Map => "list.map(item, value)",
            MacroKind.SortBy => "list.sortBy(item, key)",
            _ => $"list.{name.Text}(item, condition)",
        };
        if (variable.Kind != TokenKind.Identifier || _tokens[_index + 1].Kind != TokenKind.Comma)
            return Fail(variable.Offset, variable.Length, $"{name.Text}() takes a name for the item, and then what to do with it.", $"Write {usage}.");
        Advance();
        Advance();
        _locals.Add(variable.Text);
        _localSlots.Add(_slots++);
        var body = ParseExpression();
        var slot = _localSlots[^1];
        _locals.RemoveAt(_locals.Count - 1);
        _localSlots.RemoveAt(_localSlots.Count - 1);
        if (Current.Kind == TokenKind.Comma)
            return Fail(Current.Offset, Current.Length, $"{name.Text}() takes two arguments.", kind == MacroKind.Map ? "Write list.filter(item, condition).map(item, value)." : $"Write {usage}.");
        Expect(TokenKind.CloseParenthesis, "\")\"");
        return Checked(new MacroNode(kind, name.Text, target, slot, body) { Offset = target.Offset, Length = PreviousEnd - target.Offset, Height = Above(target, body) });
    }

    private static LiteralNode Nothing(Token at) => new(default) { Offset = at.Offset, Length = at.Length };
}
