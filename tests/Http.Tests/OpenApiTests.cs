using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Http.Tests;

[Trait("Row", "H1")]
public sealed class OpenApiTests(HostFixture host)
{
    private const string UpdateVariable = "POLYPHONY_UPDATE_OPENAPI";
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
                "DELETE /api/instances/{id}", "GET /api/approvals", "GET /api/instances", "GET /api/instances/{id}", "GET /api/instances/{id}/history",
                "GET /api/instances/{id}/stream", "GET /api/workflows", "GET /api/workflows/{name}", "GET /healthz/live", "GET /healthz/ready",
                "POST /api/instances", "POST /api/instances/{id}/events/{name}", "POST /api/instances/{id}/restart", "POST /api/instances/{id}/resume",
                "POST /api/instances/{id}/rewind", "POST /api/instances/{id}/suspend", "POST /api/instances/{id}/terminate", "POST /api/workflows/{name}/instances",
            ],
            paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Samples_HttpFiles_CoverEveryRoute()
    {
        var requests = Directory.GetFiles(Path.Combine(HostFixture.Root, "samples"), "*.http").SelectMany(File.ReadAllLines).ToList();
        var routes = (await host.Api.GetAsync("openapi/v1.json")).Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => (Method: method.Name.ToUpperInvariant(), Path: path.Name)));

        foreach (var (method, path) in routes)
        {
            var pattern = $"^{method} {{{{host}}}}{Regex.Replace(path, @"\{\w+\}", @"[^/?]+", RegexOptions.None, TimeSpan.FromSeconds(1))}(\\?.*)?$"
                .Replace("{{host}}", @"\{\{host\}\}", StringComparison.Ordinal);
            Assert.Contains(requests, request => Regex.IsMatch(request, pattern, RegexOptions.None, TimeSpan.FromSeconds(1)));
        }
    }
}
