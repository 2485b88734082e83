using System.Text.RegularExpressions;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>Reads calls: of functions, of methods and of the macros that declare a name for an item.</summary>
/// <param name="parser">Reads the expressions within.</param>
/// <param name="cursor">The tokens.</param>
/// <param name="locals">The names that macros declare.</param>
internal sealed class CallParser(Parser parser, TokenCursor cursor, LocalNames locals)
{
    public Node ParseFunction(Token name)
    {
        var function = Functions.Find(name.Text, isMethod: false);
        if (function is null && !Functions.SpecialFunctions.Contains(name.Text))
        {
            return cursor.Fail(name.Offset, name.Length, $"There is no function \"{name.Text}\".", Functions.Hint(name.Text, isMethod: false));
        }

        var arguments = ParseArguments();
        if (cursor.HasFailed)
        {
            return arguments.Count > 0 ? arguments[0] : Nothing(name);
        }

        var length = cursor.PreviousEnd - name.Offset;
        if (function is not null)
        {
            return Call(function, name, arguments, name.Offset);
        }

        if (name.Text == "has")
        {
            return arguments is [MemberNode]
                ? parser.Checked(new HasNode(arguments[0]) { Offset = name.Offset, Length = length, Height = Node.HeightAbove(arguments[0]) })
                : cursor.Fail(name.Offset, length, "has() needs one path to a member.", "Write has(a.b).");
        }

        return arguments.Count >= 2
            ? parser.Checked(new CoalesceNode(arguments) { Offset = name.Offset, Length = length, Height = Node.HeightAbove([.. arguments]) })
            : cursor.Fail(name.Offset, length, "coalesce() needs two values or more.", "Write coalesce(x, default).");
    }

    public Node ParseMethod(Node target, Token name)
    {
        if (Macro(name.Text) is { } macro)
        {
            return ParseMacro(macro, target, name);
        }

        var function = Functions.Find(name.Text, isMethod: true);
        if (function is null && name.Text != "matches")
        {
            return cursor.Fail(name.Offset, name.Length, $"There is no function \"{name.Text}\" that is called after a dot.", Functions.Hint(name.Text, isMethod: true));
        }

        var arguments = ParseArguments();
        if (cursor.HasFailed)
        {
            return target;
        }

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
            return cursor.Fail(name.Offset, name.Length, $"{function.Name}() takes {expected}, found {count - receiver}.", $"Write {function.Usage}.");
        }

        return parser.Checked(new CallNode(function, arguments) { Offset = offset, Length = cursor.PreviousEnd - offset, Height = Node.HeightAbove([.. arguments]) });
    }

    private static string Count(int arguments) => arguments == 1 ? "1 argument" : $"{arguments} arguments";

    private Node ParseMatches(Token name, List<Node> arguments)
    {
        if (arguments.Count != 2)
        {
            return cursor.Fail(name.Offset, name.Length, $"matches() takes 1 argument, found {arguments.Count - 1}.", "Write text.matches('pattern').");
        }

        Regex? regex = null;
        if (arguments[1] is LiteralNode { Value.Kind: ExpressionValueKind.String } pattern
            && (regex = SafePattern.TryCompile(pattern.Value.AsString(), out var problem)) is null)
        {
            // The rest can still be read.
            cursor.Report(pattern.Offset, pattern.Length, problem!);
        }

        var offset = arguments[0].Offset;
        return parser.Checked(new MatchesNode(arguments[0], arguments[1], regex) { Offset = offset, Length = cursor.PreviousEnd - offset, Height = Node.HeightAbove(arguments[0], arguments[1]) });
    }

    private List<Node> ParseArguments()
    {
        cursor.Advance();
        return parser.ParseItems(TokenKind.CloseParenthesis, "\",\" or \")\"");
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
        cursor.Advance();
        var variable = cursor.Current;
        var usage = kind switch
        {
            MacroKind.Map => "array.map(item, value)",
            MacroKind.SortBy => "array.sortBy(item, key)",
            _ => $"array.{name.Text}(item, condition)",
        };
        if (variable.Kind != TokenKind.Identifier || cursor.Next.Kind != TokenKind.Comma)
        {
            return cursor.Fail(variable.Offset, variable.Length, $"{name.Text}() takes a name for the item, and then what to do with it.", $"Write {usage}.");
        }

        cursor.Advance();
        cursor.Advance();
        var slot = locals.Enter(variable.Text);
        var body = parser.ParseExpression();
        locals.Leave();
        if (cursor.Current.Kind == TokenKind.Comma)
        {
            return cursor.Fail(cursor.Current.Offset, cursor.Current.Length, $"{name.Text}() takes two arguments.", kind == MacroKind.Map ? "Write array.filter(item, condition).map(item, value)." : $"Write {usage}.");
        }

        cursor.Expect(TokenKind.CloseParenthesis, "\")\"");
        return parser.Checked(new MacroNode(kind, name.Text, target, slot, body) { Offset = target.Offset, Length = cursor.PreviousEnd - target.Offset, Height = Node.HeightAbove(target, body) });
    }

    private static LiteralNode Nothing(Token at) => new(default) { Offset = at.Offset, Length = at.Length };
}
