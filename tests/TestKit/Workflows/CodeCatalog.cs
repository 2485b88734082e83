using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;

namespace Polyphony.TestKit.Workflows;

/// <summary>The workflows of a program in C# beside those of another catalog, such as a folder of files. A name that both have is the program's.</summary>
/// <param name="code">The workflows in C#.</param>
/// <param name="others">The other catalog; <see langword="null"/> for none.</param>
public sealed class CodeCatalog(CodeWorkflows code, IWorkflowCatalog? others = null) : IWorkflowCatalog
{
    /// <inheritdoc/>
    public WorkflowDefinition? Find(string name) => code.FindDefinition(name) ?? others?.Find(name);

    /// <inheritdoc/>
    public IReadOnlyList<WorkflowDefinition> List() =>
        [.. (others?.List() ?? []).Where(definition => code.FindDefinition(definition.Name) is null).Concat(code.Definitions).OrderBy(definition => definition.Name, StringComparer.Ordinal)];
}
