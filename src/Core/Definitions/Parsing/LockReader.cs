using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Locks;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>lock</c>: a name, or an array of names. What templates give is checked in the run.</summary>
internal static class LockReader
{
    private const string Key = "lock";

    public static ValueTemplate? Read(MapReader map, NodeDefinition? node, string name)
    {
        if (map.Value(Key) is not { } value)
        {
            return null;
        }

        if (node is { Kind.TakesLock: false })
        {
            map.NotApplicable(
                Key, $"\"{Key}\" has no use in a {node.Kind.Name} node, which calls nobody", "Put it on the agent, router, team, tool or workflow node that is to be alone, or remove it.");
        }

        if (map.Has("itemsPerActivity"))
        {
            map.NotApplicable("itemsPerActivity", $"\"itemsPerActivity\" can't be used with \"{Key}\": each item holds the locks by itself", "Remove one of them.");
        }

        return Check(map, value) ? map.Json(Key, ExpressionPlace.Node, name) : null;
    }

    private static bool Check(MapReader map, SourceNode value)
    {
        if (value is SourceScalar { Value: string } single)
        {
            return CheckName(map, map.PathOf(Key), single);
        }

        if (value is not SourceSequence list)
        {
            map.WrongType(Key, value, "a name or an array of names", "Such as \"account-{{ input.account }}\".");
            return false;
        }

        if (list.Items.Count is < 1 or > LockNames.MaxNames)
        {
            map.Invalid(Key, $"\"{Key}\" takes 1 to {LockNames.MaxNames} names, found {list.Items.Count}", "Let one lock stand for several things.");
            return false;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var isGood = true;
        for (var i = 0; i < list.Items.Count; i++)
        {
            var path = $"{map.PathOf(Key)}[{i}]";
            if (list.Items[i] is not SourceScalar { Value: string } item)
            {
                map.WrongTypeAt(path, list.Items[i], $"\"{Key}\"", "a name", "Write it in quotes.");
                isGood = false;
                continue;
            }

            isGood &= CheckName(map, path, item);
            if (!seen.Add(item.Text))
            {
                map.Context.Error("invalid_value", path, item.Location, $"the lock \"{SourceValues.Shorten(item.Text)}\" is named twice", "Name it once.");
                isGood = false;
            }
        }

        return isGood;
    }

    private static bool CheckName(MapReader map, string path, SourceScalar name)
    {
        if (name.Text.Contains("{{", StringComparison.Ordinal) || LockNames.ProblemOf(name.Text) is not { } problem)
        {
            return true;
        }

        map.Context.Error("invalid_value", path, name.Location, problem, "Such as account-4711 or \"account-{{ input.account }}\".");
        return false;
    }
}
