namespace Polyphony.Activities.Errors;

/// <summary>Finds the id that a provider, or the gateway before it, has given a request: what its support asks for.</summary>
internal static class RequestIds
{
    // OpenAI and most others; API Management and Azure; Anthropic; Bedrock.
    private static readonly string[] Headers = ["x-request-id", "apim-request-id", "x-ms-request-id", "request-id", "x-amzn-requestid"];

    /// <summary>Finds the id.</summary>
    /// <param name="header">Gets a header by its name.</param>
    /// <returns>The id; <see langword="null"/> if no header has one.</returns>
    public static string? Find(Func<string, string?> header) => Headers.Select(header).FirstOrDefault(id => !string.IsNullOrWhiteSpace(id));
}
