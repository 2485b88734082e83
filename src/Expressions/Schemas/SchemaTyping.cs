using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Schemas;

/// <summary>Finds the static type of a schema's values. What recurs has the type any, since types are finite.</summary>
internal sealed class SchemaTyping
{
    private readonly Dictionary<SchemaNode, ExpressionType?> _types = new(ReferenceEqualityComparer.Instance);
    private int _depth;

    /// <summary>Finds the type.</summary>
    public ExpressionType TypeOf(SchemaNode schema)
    {
        if (_types.TryGetValue(schema, out var known))
        {
            return known ?? ExpressionType.Any;
        }

        if (_depth > ExpressionLimits.Nesting)
        {
            return ExpressionType.Any;
        }

        _types[schema] = null;
        _depth++;
        var type = Find(schema);
        _depth--;
        _types[schema] = type;
        return type;
    }

    private ExpressionType Find(SchemaNode schema)
    {
        var type = Own(schema);
        if (schema.Ref is not null)
        {
            type = Both(type, TypeOf(schema.Ref));
        }

        foreach (var part in schema.AllOf ?? [])
        {
            type = Both(type, TypeOf(part));
        }

        foreach (var union in new[] { schema.AnyOf, schema.OneOf })
        {
            if (union is not null)
            {
                type = Both(type, ExpressionType.Union([.. union.Alternatives.Select(TypeOf)]));
            }
        }

        foreach (var part in new[] { schema.Then, schema.Else }.Concat(schema.DependentSchemas?.Values ?? Enumerable.Empty<SchemaNode?>()))
        {
            if (part is not null)
            {
                type = Extend(type, TypeOf(part));
            }
        }

        return type;
    }

    private ExpressionType Own(SchemaNode schema)
    {
        if (schema.Const is { } constant)
        {
            return ExpressionType.Of(ExpressionValue.FromJson(constant.Values[0]));
        }

        if (schema.Enum is { } choices)
        {
            return ExpressionType.Union([.. choices.Values.Select(choice => ExpressionType.Of(ExpressionValue.FromJson(choice)))]);
        }

        if (schema.Types == SchemaTypes.None)
        {
            // Who declares members means an object, although the specification lets anything else pass as well.
            if (schema.Properties is not null || schema.Required is not null)
            {
                return ObjectType(schema);
            }

            return schema.Items is not null ? ListType(schema) : ExpressionType.Any;
        }

        List<ExpressionType> types = [];
        if (schema.Types.HasFlag(SchemaTypes.Null))
        {
            types.Add(ExpressionType.Null);
        }

        if (schema.Types.HasFlag(SchemaTypes.Boolean))
        {
            types.Add(ExpressionType.Bool);
        }

        // 8.0 is an integer of JSON schemas and a double of expressions; both compute alike, so the simpler name is used.
        if (schema.Types.HasFlag(SchemaTypes.Number))
        {
            types.Add(ExpressionType.Number);
        }
        else if (schema.Types.HasFlag(SchemaTypes.Integer))
        {
            types.Add(ExpressionType.Int);
        }

        if (schema.Types.HasFlag(SchemaTypes.String))
        {
            types.Add(ExpressionType.String);
        }

        if (schema.Types.HasFlag(SchemaTypes.Array))
        {
            types.Add(ListType(schema));
        }

        if (schema.Types.HasFlag(SchemaTypes.Object))
        {
            types.Add(ObjectType(schema));
        }

        return ExpressionType.Union(types);
    }

    private ExpressionType ListType(SchemaNode schema)
    {
        List<ExpressionType> items = [.. (schema.PrefixItems ?? []).Select(TypeOf)];
        if (schema.Items is null)
        {
            return ExpressionType.AnyList;
        }

        if (schema.Items.Always != false)
        {
            items.Add(TypeOf(schema.Items));
        }

        return ExpressionType.ListOf(ExpressionType.Union(items), schema.MinItems > 0);
    }

    private ExpressionType ObjectType(SchemaNode schema)
    {
        var members = (schema.Properties ?? []).ToDictionary(member => member.Key, member => TypeOf(member.Value), StringComparer.Ordinal);
        List<ExpressionType> others = [.. (schema.PatternProperties ?? []).Select(member => TypeOf(member.Schema))];
        if (schema.AdditionalProperties is { Always: not false } additional)
        {
            others.Add(TypeOf(additional));
        }

        if (others.Count > 0)
        {
            return ExpressionType.Object(members, ExpressionType.Union(others));
        }

        return schema.Properties is null && schema.AdditionalProperties is null ? ExpressionType.AnyMap : ExpressionType.Object(members);
    }

    /// <summary>Finds the type of values that are of two types at once.</summary>
    private static ExpressionType Both(ExpressionType a, ExpressionType b)
    {
        if (a.Kind == ExpressionTypeKind.Any)
        {
            return b;
        }

        if (b.Kind == ExpressionTypeKind.Any)
        {
            return a;
        }

        if (a.Kind == ExpressionTypeKind.Map && b.Kind == ExpressionTypeKind.Map)
        {
            return Merge(a, b);
        }

        // Where one says less than the other, the other holds; a union of objects says more than "object".
        if (a.ValueKinds == KindSet.Map && b.ValueKinds == KindSet.Map)
        {
            return ExpressionType.Union(Maps(a).SelectMany(one => Maps(b).Select(other => Merge(one, other))));
        }

        return (a.ValueKinds & ~b.ValueKinds) == KindSet.None ? a : b;
    }

    /// <summary>Adds the members that values of a type have under a condition.</summary>
    private static ExpressionType Extend(ExpressionType type, ExpressionType conditional)
    {
        if (type.ValueKinds != KindSet.Map || conditional.ValueKinds != KindSet.Map)
        {
            return type;
        }

        var names = conditional.MemberNames().ToList();
        return ExpressionType.Union(Maps(type).Select(map =>
        {
            var members = new Dictionary<string, ExpressionType>(map.Members, StringComparer.Ordinal);
            foreach (var name in names)
            {
                members.TryAdd(name, conditional.Member(name)!);
            }

            return ExpressionType.Object(members, map.IsOpen ? map.Element : null);
        }));
    }

    private static IReadOnlyList<ExpressionType> Maps(ExpressionType type) => type.Kind == ExpressionTypeKind.Union ? type.Alternatives : [type];

    private static ExpressionType Merge(ExpressionType a, ExpressionType b)
    {
        if (a.IsOpen && a.Members.Count == 0 && a.Element.Kind == ExpressionTypeKind.Any)
        {
            return b;
        }

        if (b.IsOpen && b.Members.Count == 0 && b.Element.Kind == ExpressionTypeKind.Any)
        {
            return a;
        }

        var members = new Dictionary<string, ExpressionType>(a.Members, StringComparer.Ordinal);
        foreach (var (name, type) in b.Members)
        {
            members[name] = members.TryGetValue(name, out var known) ? Both(known, type) : type;
        }

        var others = a.IsOpen ? a.Element : b.IsOpen ? b.Element : null;
        return ExpressionType.Object(members, others);
    }
}
