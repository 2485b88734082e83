using System.Text;

namespace Polyphony.Core.Definitions.Sources;

/// <summary>What every reader checks before it looks at the syntax.</summary>
internal static class SourceText
{
    /// <summary>Checks size and encoding.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>What is wrong, or <see langword="null"/>.</returns>
    public static WorkflowProblem? Check(string text, string? file)
    {
        if (text.Length > SourceLimits.MaxBytes || Encoding.UTF8.GetByteCount(text) > SourceLimits.MaxBytes)
        {
            return TooLarge(file);
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            return new WorkflowProblem("empty_file", "", new SourceLocation(1, 1), "the file is empty", "A workflow has at least a name and a node.", file);
        }

        var line = 1;
        var lineStart = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
            {
                line++;
                lineStart = i + 1;
            }
            else if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return HalfCharacter(new SourceLocation(line, i - lineStart + 1), file);
            }
            else if (text[i] is '\0')
            {
                return new WorkflowProblem(
                    "invalid_text", "", new SourceLocation(line, i - lineStart + 1), "the file has a zero character", "Save it as UTF-8 text.", file);
            }
        }

        return null;
    }

    /// <summary>Reports a file above <see cref="SourceLimits.MaxBytes"/>.</summary>
    /// <param name="file">The file's name.</param>
    /// <returns>The problem.</returns>
    public static WorkflowProblem TooLarge(string? file) => new(
        "file_too_large", "", new SourceLocation(1, 1), "the file is larger than 1 MB", "Keep data out of workflow files: pass it as input.", file);

    /// <summary>Reports half of a surrogate pair, which no UTF-8 text can hold.</summary>
    /// <param name="location">Where.</param>
    /// <param name="file">The file's name.</param>
    /// <returns>The problem.</returns>
    public static WorkflowProblem HalfCharacter(SourceLocation location, string? file) => new(
        "invalid_text", "", location, "a string holds half of a character (an unpaired surrogate)", "Write the character itself, or both of its halves.", file);
}
