using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>What a macro does with each item.</summary>
internal enum MacroKind
{
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    SortBy,
}

/// <summary><c>list.macro(variable, body)</c>. Over a map it goes through the names of the members.</summary>
internal sealed class MacroNode(MacroKind kind, string name, Node target, int slot, Node body) : Node
{
    private readonly string _role = $"The condition of {name}()";

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        var list = target.Evaluate(ref context);
        if (list.Kind is not (ExpressionValueKind.List or ExpressionValueKind.Map))
        {
            throw context.Fault(this, $"{name}() needs an array or an object, found {Kinds.Name(list.Kind)}.", list.IsNull ? "Give a default with coalesce(x, [])." : null);
        }

        context.Charge(this, list.Kind == ExpressionValueKind.Map ? 1 + list.Count : 1);
        return kind switch
        {
            MacroKind.All => Decide(ref context, list, until: false),
            MacroKind.Exists => Decide(ref context, list, until: true),
            MacroKind.ExistsOne => CountOne(ref context, list),
            MacroKind.Filter => Filter(ref context, list),
            MacroKind.Map => Map(ref context, list),
            _ => SortBy(ref context, list),
        };
    }

    public override ExpressionType Check(Checker checker)
    {
        var type = target.Check(checker);
        var canBeList = type.ValueKinds.HasFlag(KindSet.List);
        var canBeMap = type.ValueKinds.HasFlag(KindSet.Map);
        ExpressionType item;
        if (!canBeList && !canBeMap)
        {
            item = checker.Report(this, $"{name}() needs an array or an object, found {type}.");
        }
        else
        {
            item = !canBeMap ? type.ListElement()! : !canBeList ? ExpressionType.String : ExpressionType.Union(type.ListElement()!, ExpressionType.String);
        }

        checker.Locals[slot] = item;
        if (kind is MacroKind.Map or MacroKind.SortBy)
        {
            var result = body.Check(checker);
            return ExpressionType.ListOf(kind == MacroKind.Map ? result : item);
        }

        body.CheckCondition(checker, _role);
        return kind == MacroKind.Filter ? ExpressionType.ListOf(item) : ExpressionType.Bool;
    }

    private bool Test(ref EvaluationContext context, in ExpressionValue item)
    {
        context.Charge(this, 1);
        context.Locals[slot] = item;
        return body.EvaluateCondition(ref context, _role);
    }

    /// <summary>As with &amp;&amp; and ||, an error matters only if no other item decides.</summary>
    private ExpressionValue Decide(ref EvaluationContext context, in ExpressionValue list, bool until)
    {
        ExpressionException? error = null;
        for (var items = new ItemReader(list); items.MoveNext();)
        {
            try
            {
                if (Test(ref context, items.Current) == until)
                {
                    return ExpressionValue.FromBoolean(until);
                }
            }
            catch (ExpressionException exception) when (!exception.IsLimit)
            {
                context.Charge(this, LogicNode.StepsPerError);
                error ??= exception;
            }
        }

        return error is null ? ExpressionValue.FromBoolean(!until) : throw error;
    }

    private ExpressionValue CountOne(ref EvaluationContext context, in ExpressionValue list)
    {
        var count = 0;
        for (var items = new ItemReader(list); items.MoveNext();)
        {
            if (Test(ref context, items.Current))
            {
                count++;
            }
        }

        return ExpressionValue.FromBoolean(count == 1);
    }

    private ExpressionValue Filter(ref EvaluationContext context, in ExpressionValue list)
    {
        List<ExpressionValue> results = [];
        for (var items = new ItemReader(list); items.MoveNext();)
        {
            if (Test(ref context, items.Current))
            {
                results.Add(items.Current);
            }
        }

        return ExpressionValue.FromList(results);
    }

    private ExpressionValue Map(ref EvaluationContext context, in ExpressionValue list)
    {
        var results = new List<ExpressionValue>(list.Count);
        for (var items = new ItemReader(list); items.MoveNext();)
        {
            context.Charge(this, 1);
            context.Locals[slot] = items.Current;
            results.Add(body.Evaluate(ref context));
        }

        return ExpressionValue.FromList(results);
    }

    private ExpressionValue SortBy(ref EvaluationContext context, in ExpressionValue list)
    {
        List<ExpressionValue> values = [];
        for (var items = new ItemReader(list); items.MoveNext();)
        {
            values.Add(items.Current);
        }

        var keys = Map(ref context, list).List!;
        return ListFunctions.Sort(ref context, this, keys, values);
    }
}
