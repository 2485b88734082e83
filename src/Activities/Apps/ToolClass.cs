using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Apps;

/// <summary>The tools of a class: its public methods that have a <see cref="DescriptionAttribute"/>.</summary>
internal static class ToolClass
{
    private const string AsyncSuffix = "Async";

    /// <summary>Makes the tools of a class. Each call gets an instance from the services of the call.</summary>
    /// <param name="type">The class.</param>
    /// <returns>The functions.</returns>
    /// <exception cref="ArgumentException">No method has a description, one is generic, or two give tools of one name.</exception>
    public static IReadOnlyList<AIFunction> Functions(Type type)
    {
        var methods = type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy)
            .Where(method => method.GetCustomAttribute<DescriptionAttribute>() is not null)
            .OrderBy(NameOf, StringComparer.Ordinal)
            .ToList();
        if (methods.Count == 0)
        {
            throw new ArgumentException($"{type} has no tools: none of its public methods has a [Description]. Describe the methods that models and workflows may call.");
        }

        if (methods.Find(method => method.ContainsGenericParameters) is { } generic)
        {
            throw new ArgumentException($"{type}.{generic.Name} is generic, so it can't be a tool. Write a method without type parameters.");
        }

        if (methods.GroupBy(NameOf, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"{type} has {twice.Count()} methods that give the tool \"{twice.Key}\". Give each another name with [DisplayName].");
        }

        return [.. methods.Select(method => MethodFunction.Create(method, type, NameOf(method)))];
    }

    /// <summary>Gets the name of a method's tool: that of its <see cref="DisplayNameAttribute"/>, or its own in snake case, without <c>Async</c>.</summary>
    private static string NameOf(MethodInfo method)
    {
        if (method.GetCustomAttribute<DisplayNameAttribute>() is { DisplayName.Length: > 0 } named)
        {
            return named.DisplayName;
        }

        var name = method.Name.Length > AsyncSuffix.Length && method.Name.EndsWith(AsyncSuffix, StringComparison.Ordinal) ? method.Name[..^AsyncSuffix.Length] : method.Name;
        return JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
    }
}
