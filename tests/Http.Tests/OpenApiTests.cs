using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Http.Tests;

[Trait("Row", "H1")]
public sealed class OpenApiTests(HostFixture host)
{
    private const string UpdateVariable = "POLYPHONY_UPDATE_OPENAPI";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task OpenApi_Document_IsTheCommittedOne()
    {
        var path = Path.Combine(HostFixture.Root, "docs", "openapi.json");
        var served = JsonSerializer.Serialize((await host.Api.GetAsync("openapi/v1.json")).Json, Indented) + "\n";
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            await File.WriteAllTextAsync(path, served, TestContext.Current.CancellationToken);
        }

        Assert.True(
            served == (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)).ReplaceLineEndings("\n"),
            $"The API has changed. If that is meant, write the document anew: {UpdateVariable}=1 ./dev test OpenApi_Document");
    }

    [Fact]
    public async Task OpenApi_Document_NamesEveryRouteOfTheDesign()
    {
        var paths = (await host.Api.GetAsync("openapi/v1.json")).Json.GetProperty("paths");

        Assert.Equal(
            [
                "DELETE /api/instances/{id}", "DELETE /api/mailboxes/{id}/dead-letters/{number}", "GET /api/approvals", "GET /api/approvals/{id}/{activation}",
                "GET /api/instances", "GET /api/instances/{id}", "GET /api/instances/{id}/calls", "GET /api/instances/{id}/history", "GET /api/instances/{id}/stream", "GET /api/instances/{id}/timeline", "GET /api/mailboxes",
                "GET /api/mailboxes/{id}", "GET /api/mailboxes/{id}/dead-letters", "GET /api/queue", "GET /api/schedules", "GET /api/schedules/{workflow}/{name}",
                "GET /api/sessions/{agent}/{id}", "GET /api/topics", "GET /api/usage", "GET /api/usage/unsettled", "GET /api/workflows", "GET /api/workflows/{name}", "GET /healthz/live", "GET /healthz/ready",
                "POST /api/instances", "POST /api/instances/{id}/events/{name}", "POST /api/instances/{id}/restart", "POST /api/instances/{id}/resume",
                "POST /api/instances/{id}/rewind", "POST /api/instances/{id}/suspend", "POST /api/instances/{id}/terminate",
                "POST /api/mailboxes/{id}/dead-letters/{number}/replay", "POST /api/schedules/{workflow}/{name}/pause", "POST /api/schedules/{workflow}/{name}/resume",
                "POST /api/sessions/{agent}/{id}/messages", "POST /api/topics/{type}/{source}/messages", "POST /api/workflows/{name}/instances",
            ],
            paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}")).Order(StringComparer.Ordinal));
    }

    // Both ways: a route without a sample is not found by newcomers, and a sample without a route misleads them.
    [Theory]
    [InlineData("instances.http")]
    [InlineData("functions.http")]
    public async Task Samples_HttpFile_HasEveryRouteAndNoOther(string file)
    {
        var requests = (await File.ReadAllLinesAsync(Path.Combine(HostFixture.Root, "samples", file), TestContext.Current.CancellationToken))
            .Where(line => Regex.IsMatch(line, "^[A-Z]+ ", RegexOptions.None, Soon))
            // The Functions host's own: where Event Grid tells it of blobs.
            .Where(line => !line.StartsWith("POST {{host}}/runtime/webhooks/", StringComparison.Ordinal)).ToList();
        var paths = JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(HostFixture.Root, "docs", "openapi.json"), TestContext.Current.CancellationToken)).GetProperty("paths");
        var routes = paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"))
            .Append("GET /openapi/v1.json").Select(route => (Route: route, Pattern: PatternOf(route))).ToList();

        Assert.All(routes, route => Assert.True(requests.Any(request => IsMatch(request, route.Pattern)), $"{route.Route} has no sample."));
        Assert.All(requests, request => Assert.True(routes.Any(route => IsMatch(request, route.Pattern)), $"{request} is no route."));

        // "GET /api/workflows/{name}" asks for one more part of the path, whatever it is; a query may follow.
        static string PatternOf(string route) =>
            $"^{Regex.Replace(route.Replace(" /", @" \{\{host\}\}/", StringComparison.Ordinal), @"(?<=/)\{\w+\}", @"[^/?]+", RegexOptions.None, Soon)}(\\?.*)?$";

        static bool IsMatch(string request, string pattern) => Regex.IsMatch(request, pattern, RegexOptions.None, Soon);
    }
}
