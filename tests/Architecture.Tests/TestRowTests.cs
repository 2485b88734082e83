using System.Reflection;

namespace Polyphony.Architecture.Tests;

/// <summary>Tests name the rows of docs/capabilities.md that they show, or say that they show none.</summary>
public sealed class TestRowTests
{
    [Fact]
    public void Tests_OfEveryProject_NameARowOrAreExempt()
    {
        var bare = Tree.TestAssemblies()
            .SelectMany(Tests)
            .Where(test => !test.Traits.Any(trait => trait.Name is "Row" or "Exempt"))
            .Select(test => test.Name);
        Assert.True(!bare.Any(), $"Without [Trait(\"Row\", …)] or [Trait(\"Exempt\", \"why\")]:\n{string.Join('\n', bare.Order(StringComparer.Ordinal))}");
    }

    [Fact]
    public void Rows_ThatTestsName_Exist()
    {
        var unknown = Tree.TestAssemblies()
            .SelectMany(Tests)
            .SelectMany(test => test.Traits.Where(trait => trait.Name == "Row" && !Tree.Rows.Contains(trait.Value)).Select(trait => $"{trait.Value}: {test.Name}"));
        Assert.True(!unknown.Any(), $"Not in docs/capabilities.md:\n{string.Join('\n', unknown.Distinct(StringComparer.Ordinal))}");
    }

    private static IEnumerable<(string Name, List<(string Name, string Value)> Traits)> Tests(Assembly assembly)
    {
        var ofAssembly = Traits(assembly.GetCustomAttributesData()).ToList();
        foreach (var type in assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false }))
        {
            foreach (var method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static).Where(IsTest))
            {
                List<(string Name, string Value)> traits = [.. ofAssembly, .. Traits(method.GetCustomAttributesData())];
                for (var at = type; at is not null; at = at.BaseType)
                {
                    traits.AddRange(Traits(at.GetCustomAttributesData()));
                }

                yield return ($"{type.FullName}.{method.Name}", traits);
            }
        }
    }

    private static bool IsTest(MethodInfo method)
    {
        foreach (var attribute in method.GetCustomAttributesData())
        {
            for (var type = attribute.AttributeType; type is not null; type = type.BaseType)
            {
                if (type.Name == nameof(FactAttribute))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static IEnumerable<(string Name, string Value)> Traits(IEnumerable<CustomAttributeData> attributes) => attributes
        .Where(attribute => attribute.AttributeType.Name == nameof(TraitAttribute))
        .Select(attribute => ((string)attribute.ConstructorArguments[0].Value!, (string)attribute.ConstructorArguments[1].Value!));
}
