using System.Globalization;

namespace Polyphony.Core.Runs;

/// <summary>Keeps messages of errors so short that any number of them fits where errors are kept: results of activities, outcomes, the custom status.</summary>
internal static class ErrorText
{
    /// <summary>The longest message, in characters.</summary>
    public const int MaxLength = 2_000;

    /// <summary>Shortens a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="maxLength">The maximum number of characters to keep.</param>
    /// <returns>The message; one that is too long ends with how much was left out.</returns>
    public static string Shorten(string message, int maxLength = MaxLength)
    {
        if (message.Length <= maxLength)
        {
            return message;
        }

        var kept = Beginning(message, Math.Max(0, maxLength - 40));
        return string.Create(CultureInfo.InvariantCulture, $"{kept}… ({message.Length - kept.Length:N0} characters left out)");
    }

    /// <summary>Shortens an error's message.</summary>
    /// <param name="error">The error.</param>
    /// <returns>The error.</returns>
    public static CallError Shorten(CallError error) => error.Message.Length <= MaxLength ? error : error with { Message = Shorten(error.Message) };

    /// <summary>Gets the beginning of a text, without cutting a surrogate pair.</summary>
    /// <param name="text">The text.</param>
    /// <param name="length">The maximum number of characters.</param>
    /// <returns>The beginning.</returns>
    public static string Beginning(string text, int length) =>
        text.Length <= length ? text : text[..(length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
