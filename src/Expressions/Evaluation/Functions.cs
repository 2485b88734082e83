namespace Polyphony.Expressions.Evaluation;

/// <summary>The functions of the language; <c>has</c>, <c>coalesce</c>, <c>matches</c> and the macros have their own nodes.</summary>
internal static class Functions
{
    private const KindSet Sized = KindSet.String | KindSet.List | KindSet.Map;

    /// <summary>The names with a node of their own that are called as <c>name(x)</c>.</summary>
    public static readonly IReadOnlyList<string> SpecialFunctions = ["has", "coalesce"];

    /// <summary>The names with a node of their own that are called as <c>x.name(y)</c>.</summary>
    public static readonly IReadOnlyList<string> SpecialMethods = ["matches", "all", "exists", "exists_one", "filter", "map", "sortBy"];

    private static readonly Dictionary<(string Name, bool IsMethod), Function> All = new Function[]
    {
        new("size", false, "size(x)", 1, [Sized], Always(ExpressionType.Int), TextFunctions.Size),
        new("size", true, "x.size()", 1, [Sized], Always(ExpressionType.Int), TextFunctions.Size),
        new("int", false, "int(x)", 1, [KindSet.Number | KindSet.String], Always(ExpressionType.Int), Conversions.ToInt),
        new("double", false, "double(x)", 1, [KindSet.Number | KindSet.String], Always(ExpressionType.Double), Conversions.ToDouble),
        new("string", false, "string(x)", 1, [KindSet.Scalar], Always(ExpressionType.String), Conversions.ToText),
        new("bool", false, "bool(x)", 1, [KindSet.Bool | KindSet.String], Always(ExpressionType.Bool), Conversions.ToBool),
        new("toJson", false, "toJson(x)", 1, [KindSet.All], Always(ExpressionType.String), Conversions.ToJson),
        new("parseJson", false, "parseJson(text)", 1, [KindSet.String], Always(ExpressionType.Any), Conversions.ParseJson),
        new("contains", true, "text.contains(part)", 2, [KindSet.String, KindSet.String], Always(ExpressionType.Bool), TextFunctions.Contains),
        new("startsWith", true, "text.startsWith(part)", 2, [KindSet.String, KindSet.String], Always(ExpressionType.Bool), TextFunctions.StartsWith),
        new("endsWith", true, "text.endsWith(part)", 2, [KindSet.String, KindSet.String], Always(ExpressionType.Bool), TextFunctions.EndsWith),
        new("indexOf", true, "text.indexOf(part)", 2, [KindSet.String, KindSet.String], Always(ExpressionType.Int), TextFunctions.IndexOf),
        new("split", true, "text.split(separator)", 2, [KindSet.String, KindSet.String], Always(ExpressionType.ListOf(ExpressionType.String)), TextFunctions.Split),
        new("trim", true, "text.trim()", 1, [KindSet.String], Always(ExpressionType.String), TextFunctions.Trim),
        new("lowerAscii", true, "text.lowerAscii()", 1, [KindSet.String], Always(ExpressionType.String), TextFunctions.LowerAscii),
        new("upperAscii", true, "text.upperAscii()", 1, [KindSet.String], Always(ExpressionType.String), TextFunctions.UpperAscii),
        new("replace", true, "text.replace(old, new)", 3, [KindSet.String, KindSet.String, KindSet.String], Always(ExpressionType.String), TextFunctions.Replace),
        new("substring", true, "text.substring(from, to)", 2, [KindSet.String, KindSet.Number, KindSet.Number], Always(ExpressionType.String), TextFunctions.Substring),
        new("join", true, "array.join(separator)", 1, [KindSet.List, KindSet.String], Always(ExpressionType.String), ListFunctions.Join),
        new("first", true, "x.first(n)", 1, [KindSet.List | KindSet.String, KindSet.Number], Part, ListFunctions.First),
        new("last", true, "x.last(n)", 1, [KindSet.List | KindSet.String, KindSet.Number], Part, ListFunctions.Last),
        new("distinct", true, "array.distinct()", 1, [KindSet.List], Same, ListFunctions.Distinct),
        new("sort", true, "array.sort()", 1, [KindSet.List], Same, ListFunctions.Sort),
        new("reverse", true, "array.reverse()", 1, [KindSet.List], Same, ListFunctions.Reverse),
        new("flatten", true, "array.flatten()", 1, [KindSet.List], Flat, ListFunctions.Flatten),
        new("sum", true, "array.sum()", 1, [KindSet.List], Total, ListFunctions.Sum),
        new("min", true, "array.min()", 1, [KindSet.List], Item, ListFunctions.Min),
        new("max", true, "array.max()", 1, [KindSet.List], Item, ListFunctions.Max),
    }.ToDictionary(function => (function.Name, function.IsMethod));

    /// <summary>What other languages call our functions.</summary>
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["any"] = "x.exists(item, condition)",
        ["some"] = "x.exists(item, condition)",
        ["every"] = "x.all(item, condition)",
        ["where"] = "x.filter(item, condition)",
        ["find"] = "x.filter(item, condition)",
        ["select"] = "x.map(item, value)",
        ["len"] = "size(x)",
        ["length"] = "size(x)",
        ["count"] = "size(x)",
        ["lower"] = "x.lowerAscii()",
        ["toLower"] = "x.lowerAscii()",
        ["toLowerCase"] = "x.lowerAscii()",
        ["upper"] = "x.upperAscii()",
        ["toUpper"] = "x.upperAscii()",
        ["toUpperCase"] = "x.upperAscii()",
        ["includes"] = "x.contains(part), or item in array",
        ["strip"] = "x.trim()",
        ["unique"] = "x.distinct()",
        ["str"] = "string(x)",
        ["toString"] = "string(x)",
        ["float"] = "double(x)",
        ["number"] = "double(x)",
        ["json"] = "toJson(x)",
        ["fromJson"] = "parseJson(x)",
        ["default"] = "coalesce(x, default)",
        ["orValue"] = "coalesce(x, default)",
        ["exists"] = "array.exists(item, condition), or has(a.b)",
        ["take"] = "x.first(n)",
        ["limit"] = "x.first(n)",
        ["orderBy"] = "x.sortBy(item, key)",
        ["concat"] = "a + b",
        ["keys"] = "x.map(name, name)",
    };

    /// <summary>Looks a function up.</summary>
    public static Function? Find(string name, bool isMethod) => All.GetValueOrDefault((name, isMethod));

    /// <summary>Says what may have been meant by a name that is unknown in this form.</summary>
    public static string? Hint(string name, bool isMethod)
    {
        if (All.TryGetValue((name, !isMethod), out var other))
        {
            return $"Write {other.Usage}.";
        }

        if (isMethod && SpecialFunctions.Contains(name))
        {
            return name == "has" ? "Write has(a.b)." : "Write coalesce(a, b).";
        }

        if (!isMethod && SpecialMethods.Contains(name))
        {
            return name == "matches" ? "Write text.matches('pattern')." : $"Write array.{name}(item, ...).";
        }

        return Aliases.TryGetValue(name, out var usage)
            ? $"Write {usage}."
            : NearMatch.Hint(name, All.Keys.Where(key => key.IsMethod == isMethod).Select(key => key.Name).Concat(isMethod ? SpecialMethods : SpecialFunctions));
    }

    private static Func<IReadOnlyList<ExpressionType>, ExpressionType> Always(ExpressionType type) => _ => type;

    private static ExpressionType Same(IReadOnlyList<ExpressionType> arguments) => ExpressionType.ListOf(Item(arguments));

    private static ExpressionType Item(IReadOnlyList<ExpressionType> arguments) => arguments[0].ListElement() ?? ExpressionType.Any;

    private static ExpressionType Part(IReadOnlyList<ExpressionType> arguments)
    {
        var isList = arguments[0].ValueKinds.HasFlag(KindSet.List);
        if (!arguments[0].ValueKinds.HasFlag(KindSet.String))
        {
            return arguments.Count == 1 ? Item(arguments) : Same(arguments);
        }

        return isList ? ExpressionType.Union(ExpressionType.String, arguments.Count == 1 ? Item(arguments) : Same(arguments)) : ExpressionType.String;
    }

    private static ExpressionType Flat(IReadOnlyList<ExpressionType> arguments)
    {
        var item = Item(arguments);
        if (item.ValueKinds == KindSet.List)
        {
            return ExpressionType.ListOf(item.ListElement()!);
        }

        return (item.ValueKinds & KindSet.List) == KindSet.None ? ExpressionType.ListOf(item) : ExpressionType.AnyList;
    }

    private static ExpressionType Total(IReadOnlyList<ExpressionType> arguments) => (Item(arguments).ValueKinds & KindSet.Number) switch
    {
        KindSet.Int => ExpressionType.Int,
        _ => ExpressionType.Number,
    };
}
