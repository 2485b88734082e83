using System.Collections.Immutable;
using System.Reflection;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Polyphony.TestKit;

namespace Polyphony.DurableFunctions.Tests.Apps;

/// <summary>A Functions app as it was built beside these tests.</summary>
/// <param name="Folder">Where it was built.</param>
/// <param name="Assembly">Its assembly. What it refers to is that of these tests.</param>
internal sealed record BuiltApp(string Folder, Assembly Assembly)
{
    public static BuiltApp Load(string project)
    {
        var output = Path.GetRelativePath(Path.Combine(Repository.Root, "tests", "DurableFunctions.Tests"), AppContext.BaseDirectory);
        var folder = Path.GetFullPath(Path.Combine(Repository.Root, project, output));
        return new BuiltApp(folder, Assembly.LoadFrom(Path.Combine(folder, $"Polyphony.{Path.GetFileName(project)}.dll")));
    }

    /// <summary>Makes what the worker SDK has generated to list the functions.</summary>
    public IFunctionMetadataProvider MakeProvider() => Make<IFunctionMetadataProvider>();

    /// <summary>The functions as the worker SDK has listed them at build time.</summary>
    public Task<ImmutableArray<IFunctionMetadata>> ListAsync() => MakeProvider().GetFunctionMetadataAsync(Folder);

    private T Make<T>() => (T)Activator.CreateInstance(Assembly.GetTypes().Single(type => type.IsClass && typeof(T).IsAssignableFrom(type)), nonPublic: true)!;
}
