using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Polyphony.Core.Definitions;
using Polyphony.Engine;

namespace Polyphony.Hosting.Tests;

/// <summary>The HTTP API beside the routes of an app.</summary>
[Trait("Row", "H15")]
public sealed class RouteTests : IDisposable
{
    private const string Key = "0123456789abcdef";
    private static readonly WorkflowDefinition One = new WorkflowBuilder("one").TransformNode("node", 1).Output("{{ nodes.node.output }}").Build();

    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("/polyphony")]
    public async Task Routes_BesideTheAppsOwn_ServeBelowThePrefix(string prefix)
    {
        await using var app = await StartAsync(prefix, _ => { });
        using var http = TestApp.ClientOf(app);

        Assert.Equal("home", await http.GetStringAsync(new Uri("/", UriKind.Relative), TestContext.Current.CancellationToken));
        var (status, started, location) = await SendAsync(http, HttpMethod.Post, $"{prefix}/api/workflows/one/instances", "{}");
        Assert.Equal(HttpStatusCode.Accepted, status);
        Assert.Equal($"{http.BaseAddress}{prefix.TrimStart('/')}{(prefix.Length == 0 ? "" : "/")}api/instances/{started.GetProperty("id").GetString()}", location!.ToString());

        var (_, ended, _) = await SendAsync(http, HttpMethod.Get, $"{location.PathAndQuery}?wait=60", null);
        Assert.Equal("Completed", ended.GetProperty("runtimeStatus").GetString());
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, $"{prefix}/healthz/ready", null)).Status);
        Assert.Equal("instance_not_found", (await SendAsync(http, HttpMethod.Get, $"{prefix}/api/instances/nobody", null)).Body.GetProperty("code").GetString());
        Assert.Equal("body_too_large", (await SendAsync(http, HttpMethod.Post, $"{prefix}/api/workflows/one/instances", new string(' ', 2_000_000))).Body.GetProperty("code").GetString());

        var document = (await SendAsync(http, HttpMethod.Get, $"{prefix}/openapi/polyphony.json", null)).Body;
        var paths = document.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToList();
        Assert.Contains($"{prefix}/api/instances/{{id}}", paths);
        Assert.DoesNotContain("/", paths);
    }

    // A document and routes of the app's own, with the names that Polyphony's had could clash with.
    [Fact]
    public async Task Routes_BesideAnOpenApiDocumentOfTheApp_LeaveItAlone()
    {
        await using var app = await _app.StartWebAsync(
            builder =>
            {
                builder.Services.AddOpenApi();
                builder.AddPolyphony(options => options.InMemory = true).AddWorkflow(One);
            },
            app =>
            {
                app.MapOpenApi();
                app.MapGet("/orders", () => "none").WithName("getInstance");
                app.MapPolyphony();
            });
        using var http = TestApp.ClientOf(app);

        var own = (await SendAsync(http, HttpMethod.Get, "/openapi/v1.json", null)).Body;

        Assert.Equal("getInstance", own.GetProperty("paths").GetProperty("/orders").GetProperty("get").GetProperty("operationId").GetString());
        Assert.NotEqual("Polyphony", own.GetProperty("info").GetProperty("title").GetString());
        var polyphony = (await SendAsync(http, HttpMethod.Get, "/openapi/polyphony.json", null)).Body;
        Assert.Equal("getInstance", polyphony.GetProperty("paths").GetProperty("/api/instances/{id}").GetProperty("get").GetProperty("operationId").GetString());
    }

    [Fact]
    public async Task ApiKey_IsAskedOfTheMappedRoutesAlone()
    {
        await using var app = await StartAsync("/p", options => options.ApiKey = Key);
        using var http = TestApp.ClientOf(app);

        Assert.Equal("home", await http.GetStringAsync(new Uri("/", UriKind.Relative), TestContext.Current.CancellationToken));
        var refused = await SendAsync(http, HttpMethod.Get, "/p/api/workflows", null);
        Assert.Equal((HttpStatusCode.Unauthorized, "unauthorized"), (refused.Status, refused.Body.GetProperty("code").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, "/p/healthz/live", null)).Status);
        http.DefaultRequestHeaders.Add("X-API-Key", Key);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, "/p/api/workflows", null)).Status);
    }

    [Fact]
    public async Task RequireAuthorization_OfTheRoutes_Holds()
    {
        await using var app = await _app.StartWebAsync(
            builder =>
            {
                builder.Services.AddAuthentication("none").AddScheme<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions, Nobody>("none", null);
                builder.Services.AddAuthorization();
                builder.AddPolyphony(options => options.InMemory = true).AddWorkflow(One);
            },
            app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                app.MapGet("/", () => "home");
                app.MapPolyphony().RequireAuthorization();
            });
        using var http = TestApp.ClientOf(app);

        Assert.Equal("home", await http.GetStringAsync(new Uri("/", UriKind.Relative), TestContext.Current.CancellationToken));
        using var refused = await http.PostAsync(new Uri("/api/workflows/one/instances", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Request_OfAPageOfAnotherSite_IsRefused()
    {
        await using var app = await StartAsync("", _ => { });
        using var http = TestApp.ClientOf(app);
        http.DefaultRequestHeaders.Add("Origin", "https://elsewhere.example");

        Assert.Equal("origin_not_allowed", (await SendAsync(http, HttpMethod.Post, "/api/workflows/one/instances", "{}")).Body.GetProperty("code").GetString());
    }

    [Fact]
    public async Task OwnerNote_OfAnAppWithRoutes_IsTheirAddress()
    {
        await using var app = await _app.StartWebAsync(builder => builder.AddPolyphony(), app => app.MapPolyphony("/p"));

        Assert.Equal($"{Routes.MappedRoutes.LocalAddress(app.Services)}p/", EngineOwner.Read(Path.Combine(_app.Root, ".polyphony", "polyphony.db"))!.Note);
    }

    [Theory]
    [InlineData("p")]
    [InlineData("/")]
    [InlineData("/p/")]
    [InlineData("//p")]
    [InlineData("/{tenant}")]
    public async Task MapPolyphony_PrefixThatIsNone_IsRefused(string prefix) =>
        await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(prefix, _ => { }));

    [Fact]
    public async Task MapPolyphony_WithoutItsServices_SaysWhatIsMissing()
    {
        var missing = await Assert.ThrowsAsync<InvalidOperationException>(() => _app.StartWebAsync(_ => { }, app => app.MapPolyphony()));

        Assert.Contains("builder.AddPolyphony()", missing.Message, StringComparison.Ordinal);
    }

    private Task<WebApplication> StartAsync(string prefix, Action<PolyphonyOptions> configure) => _app.StartWebAsync(
        builder => builder.AddPolyphony(options =>
        {
            options.InMemory = true;
            configure(options);
        }).AddWorkflow(One),
        app =>
        {
            app.MapGet("/", () => "home");
            app.MapPolyphony(prefix);
        });

    private static async Task<(HttpStatusCode Status, JsonElement Body, Uri? Location)> SendAsync(HttpClient http, HttpMethod method, string path, string? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)), answer.Headers.Location);
    }

    private sealed class Nobody(
        Microsoft.Extensions.Options.IOptionsMonitor<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions> options,
        Microsoft.Extensions.Logging.ILoggerFactory logger,
        System.Text.Encodings.Web.UrlEncoder encoder) : Microsoft.AspNetCore.Authentication.AuthenticationHandler<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<Microsoft.AspNetCore.Authentication.AuthenticateResult> HandleAuthenticateAsync() =>
            Task.FromResult(Microsoft.AspNetCore.Authentication.AuthenticateResult.NoResult());
    }
}
