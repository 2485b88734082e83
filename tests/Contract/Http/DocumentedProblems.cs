using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Contract.Http;

/// <summary>The problems that the OpenAPI document of a host names for each route: no other may be answered.</summary>
internal sealed class DocumentedProblems(JsonElement document)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private readonly List<(string Method, Regex Path, JsonElement Responses)> _routes =
    [
        .. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => (
            method.Name.ToUpperInvariant(),
            new Regex($"^{Regex.Replace(path.Name, @"\{\w+\}", "[^/]+", RegexOptions.None, Soon)}$", RegexOptions.None, Soon),
            method.Value.GetProperty("responses")))),
    ];

    /// <summary>Holds a refusal against the document.</summary>
    /// <param name="method">The method of the request.</param>
    /// <param name="path">Its path.</param>
    /// <param name="answer">The answer.</param>
    public void Check(HttpMethod method, string path, ApiAnswer answer)
    {
        if ((int)answer.Status < 400 || !answer.Headers.GetValueOrDefault("Content-Type", "").StartsWith("application/problem+json", StringComparison.Ordinal)
            || _routes.Find(route => route.Method == method.Method && route.Path.IsMatch(path)) is not { Path: not null } route)
        {
            return;
        }

        var status = ((int)answer.Status).ToString(CultureInfo.InvariantCulture);
        var codes = route.Responses.TryGetProperty(status, out var response) ? response.GetProperty("description").GetString()! : "";
        Assert.True(codes.TrimEnd('.').Split(": ")[^1].Split(", ").Contains(answer.Code), $"The OpenAPI document does not name {status} {answer.Code} of {method} {path}; it names: {codes}");
    }
}
