using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>A constant.</summary>
internal sealed class LiteralNode(ExpressionValue value) : Node
{
    public ExpressionValue Value { get; } = value;

    public override ExpressionValue Evaluate(ref EvaluationContext context) => Value;

    public override ExpressionType Check(Checker checker) => ExpressionType.Of(Value);
}

/// <summary>A variable of the scope.</summary>
internal sealed class VariableNode(string name) : Node
{
    public string Name { get; } = name;

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        return context.Scope.TryGetVariable(Name, out var value) ? value : throw context.Fault(this, $"There is no variable \"{Name}\" here.");
    }

    public override ExpressionType Check(Checker checker)
    {
        if (checker.Scope.Variables.TryGetValue(Name, out var type))
        {
            return type;
        }

        var known = checker.Scope.Variables.Keys;
        var hint = NearMatch.Hint(Name, known) ?? (checker.Scope.Variables.Count == 0
            ? "There are no variables here."
            : $"Known here: {string.Join(", ", known.Order(StringComparer.Ordinal))}. A string is written in quotes: '{Name}'.");
        return checker.Report(this, $"There is no variable \"{Name}\" here.", hint);
    }
}

/// <summary>A variable that a macro declares.</summary>
internal sealed class LocalNode(int slot) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        return context.Locals[slot];
    }

    public override ExpressionType Check(Checker checker) => checker.Locals[slot];
}

/// <summary>A list written out.</summary>
internal sealed class ListNode(IReadOnlyList<Node> items) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1 + items.Count);
        var values = new ExpressionValue[items.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = items[i].Evaluate(ref context);
        }

        return ExpressionValue.FromList(values);
    }

    public override ExpressionType Check(Checker checker) => ExpressionType.ListOf(ExpressionType.Union([.. items.Select(item => item.Check(checker))]), items.Count > 0);
}

/// <summary>A map written out.</summary>
internal sealed class MapNode(IReadOnlyList<(Node Key, Node Value)> members) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1 + members.Count);
        var values = new OrderedDictionary<string, ExpressionValue>(members.Count, StringComparer.Ordinal);
        foreach (var (keyNode, valueNode) in members)
        {
            var key = keyNode.Evaluate(ref context);
            if (key.Kind != ExpressionValueKind.String)
            {
                throw context.Fault(keyNode, $"The key of an object must be a string, found {Kinds.Name(key.Kind)}.", "Write it in quotes, or convert it with string(x).");
            }

            var name = context.Text(keyNode, key);
            if (!values.TryAdd(name, valueNode.Evaluate(ref context)))
            {
                throw context.Fault(keyNode, $"The object has the key \"{name}\" twice.");
            }
        }

        return ExpressionValue.FromMembers(values);
    }

    public override ExpressionType Check(Checker checker)
    {
        var types = new Dictionary<string, ExpressionType>(StringComparer.Ordinal);
        List<ExpressionType> others = [];
        foreach (var (key, value) in members)
        {
            var keyType = key.Check(checker);
            if (!keyType.CanBe(ExpressionType.String))
            {
                checker.Report(key, $"The key of an object must be a string, found {keyType}.", "Write it in quotes, or convert it with string(x).");
            }

            var type = value.Check(checker);
            if (key is not LiteralNode { Value.Kind: ExpressionValueKind.String } literal)
            {
                others.Add(type);
            }
            else if (!types.TryAdd(literal.Value.AsString(), type))
            {
                checker.Report(key, $"The object has the key \"{literal.Value.AsString()}\" twice.");
            }
        }

        return ExpressionType.Object(types, others.Count == 0 ? null : ExpressionType.Union(others));
    }
}
