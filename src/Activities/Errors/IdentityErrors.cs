using System.Text.RegularExpressions;

namespace Polyphony.Activities.Errors;

/// <summary>Makes one sentence, with the next step, of what Azure.Identity says when there is no token: a page about every way to sign in that there is.</summary>
internal static partial class IdentityErrors
{
    private const int Longest = 300;

    private const string NextStep =
        "Sign in with \"az login\", give the host a managed identity that has the role \"Cognitive Services OpenAI User\" on the resource, or set AZURE_OPENAI_API_KEY. The log has the rest at Debug.";

    /// <summary>Describes a failure.</summary>
    /// <param name="message">The message of the exception.</param>
    /// <returns>What counts in it: of several ways, the one that is set up and was refused.</returns>
    public static string Describe(string message)
    {
        var parts = message.ReplaceLineEndings("\n").Split("\n- ");
        var ways = parts.Length > 1 ? parts[1..] : parts;
        var refused = Array.Find(ways, way => !Absent().IsMatch(way));
        return refused is null && ways.Length > 1
            ? $"There is no identity to sign in with: none of the {ways.Length} ways that were tried is set up here. {NextStep}"
            : $"The identity got no token: {Shorten(refused ?? ways[0])}. {NextStep}";
    }

    private static string Shorten(string way)
    {
        var words = Redaction.None.Apply(ProviderText.Clean(References().Replace(way.Split("\nHeaders:")[0], "")));
        return ProviderText.Shorten(words, Longest).TrimEnd('.', ' ');
    }

    // Not set up on this machine, as opposed to refused.
    [GeneratedRegex(
        @"\bunavailable\b|not installed|could not be found|can't be accessed|package to be referenced|not fully configured|not in the expected format|no managed identity endpoint|connection (refused|timed out)|unreachable|\btimed? ?out\b",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Absent();

    [GeneratedRegex(@"(for more information[.,:]?\s*)?(see the (troubleshooting guide|inner exception)[^.\n]*\.?\s*)|https://aka\.ms/\S+|to troubleshoot, visit\s*", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex References();
}
