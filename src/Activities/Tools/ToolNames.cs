namespace Polyphony.Activities.Tools;

/// <summary>The names of tools as models see them: most providers take letters, digits, <c>_</c> and <c>-</c>, so the dot of <c>server.tool</c> is written <c>__</c>.</summary>
internal static class ToolNames
{
    private const string Dot = "__";

    /// <summary>Gets the name that a model is told.</summary>
    /// <param name="name">The tool's name.</param>
    public static string ToModel(string name) => name.Replace(".", Dot, StringComparison.Ordinal);

    /// <summary>Gets the tool that a model means.</summary>
    /// <param name="name">The name that the model gives.</param>
    /// <param name="tools">The tools that it may call.</param>
    /// <returns>The tool's name; that of the model if it is none of them.</returns>
    public static string FromModel(string name, IEnumerable<string> tools) => tools.FirstOrDefault(tool => ToModel(tool) == name) ?? name;
}
