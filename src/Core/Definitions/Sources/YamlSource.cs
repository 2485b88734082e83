using YamlDotNet.Core;

namespace Polyphony.Core.Definitions.Sources;

/// <summary>
/// Reads workflow files in YAML 1.2 with its core schema (https://yaml.org/spec/1.2.2/#103-core-schema), keeping the place of every value: <c>true</c>,
/// <c>null</c> and numbers are what they look like, <c>yes</c> and <c>on</c> are texts, and so is all that is quoted. JSON is YAML and can be read too.
/// </summary>
internal static class YamlSource
{
    /// <summary>Reads a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>The content, or what is wrong. Never throws.</returns>
    /// <remarks>
    /// Anchors and aliases are resolved, up to <see cref="SourceLimits.MaxValues"/> values in all. Tags, merge keys (<c>&lt;&lt;</c>), keys that are not
    /// texts and further documents are reported as unsupported. Keys written twice are kept for the parser to report.
    /// </remarks>
    public static SourceReadResult Read(string text, string? file = null)
    {
        text = text.StartsWith('\uFEFF') ? text[1..] : text;
        if (SourceText.Check(text, file) is { } unreadable)
        {
            return new SourceReadResult(null, [unreadable]);
        }

        var problems = new List<WorkflowProblem>();
        var builder = new YamlTreeBuilder(text, file, problems);
        try
        {
            var root = builder.Read(new Parser(new Scanner(new StringReader(text))));
            return new SourceReadResult(problems.Count == 0 ? root : null, problems);
        }
        catch (YamlException exception)
        {
            problems.Add(YamlSyntaxProblem.From(exception, text, file));
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or IndexOutOfRangeException or FormatException or OverflowException)
        {
            // The YAML library lets a few of its own slips through on broken text; for the reader of a file they are syntax errors like any other.
            problems.Add(new WorkflowProblem("yaml_syntax", "", builder.LastLocation, "not valid YAML after this place", "Check quotes, brackets and indentation.", file));
        }

        return new SourceReadResult(null, problems);
    }
}
