namespace Polyphony.Expressions.Evaluation;

/// <summary>A set of kinds of values.</summary>
[Flags]
internal enum KindSet
{
    None = 0,
    Null = 1 << ExpressionValueKind.Null,
    Bool = 1 << ExpressionValueKind.Bool,
    Int = 1 << ExpressionValueKind.Int,
    Double = 1 << ExpressionValueKind.Double,
    String = 1 << ExpressionValueKind.String,
    List = 1 << ExpressionValueKind.List,
    Map = 1 << ExpressionValueKind.Map,
    Number = Int | Double,
    Scalar = Bool | Number | String,
    All = Null | Scalar | List | Map,
}

/// <summary>Names kinds in messages.</summary>
internal static class Kinds
{
    /// <summary>Puts the article before what kinds or types are called.</summary>
    public static string WithArticle(string name) => name == "null" ? name : (name[0] is 'a' or 'e' or 'i' or 'o' ? "an " : "a ") + name;

    /// <summary>Makes a set of one.</summary>
    public static KindSet Of(ExpressionValueKind kind) => (KindSet)(1 << (int)kind);

    /// <summary>Names a kind.</summary>
    public static string Name(ExpressionValueKind kind) => Name(Of(kind));

    /// <summary>Names a set: "string, list or map".</summary>
    public static string Name(KindSet kinds)
    {
        if (kinds == KindSet.All)
        {
            return "any value";
        }

        List<string> names = [];
        if (kinds.HasFlag(KindSet.Bool))
        {
            names.Add("bool");
        }

        if (kinds.HasFlag(KindSet.Number))
        {
            names.Add("number");
        }
        else if (kinds.HasFlag(KindSet.Int))
        {
            names.Add("int");
        }
        else if (kinds.HasFlag(KindSet.Double))
        {
            names.Add("double");
        }

        if (kinds.HasFlag(KindSet.String))
        {
            names.Add("string");
        }

        if (kinds.HasFlag(KindSet.List))
        {
            names.Add("array");
        }

        if (kinds.HasFlag(KindSet.Map))
        {
            names.Add("object");
        }

        if (kinds.HasFlag(KindSet.Null))
        {
            names.Add("null");
        }

        return Join(names);
    }

    /// <summary>Joins names: "a, b or c".</summary>
    public static string Join(List<string> names) => names.Count switch
    {
        0 => "nothing",
        1 => names[0],
        _ => string.Join(", ", names[..^1]) + " or " + names[^1],
    };
}
