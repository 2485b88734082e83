namespace Polyphony.Activities.Providers;

/// <summary>Names under which providers add to answers what the library has no member for.</summary>
internal static class AnswerProperties
{
    /// <summary>The provider's id of the request (of a response, a text).</summary>
    public const string RequestId = "requestId";

    /// <summary>How many halves of characters in the answer were replaced by U+FFFD (of a response, a number).</summary>
    public const string Replaced = "replaced";

    /// <summary>The server's own members, which are sent back with the message (of a message or a tool call, a JSON object).</summary>
    public const string Extra = "extra";
}
