using System.IO.Compression;
using System.Text.Json;

namespace Polyphony.Packages.Tests;

/// <summary>The packages, as a team would take them: into fresh apps, from a folder.</summary>
[Trait("Row", "H15")]
public sealed class PackageTests(PackageFolder packages) : IClassFixture<PackageFolder>
{
    private const string Hello = """
        name: hello
        models: { m: { provider: offline } }
        agents: { a: { model: m } }
        nodes: { say: { agent: a, prompt: "Polyphony is here. It is durable." } }
        """;

    [Fact]
    public async Task Worker_WithHostingAndTesting_RunsAWorkflow()
    {
        var app = await packages.CreateAsync(
            "worker",
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable></PropertyGroup>
              <ItemGroup>
                <FrameworkReference Include="Microsoft.AspNetCore.App" />
                <PackageReference Include="Polyphony.Hosting" Version="VERSION" />
                <PackageReference Include="Polyphony.Testing" Version="VERSION" />
              </ItemGroup>
            </Project>
            """,
            ("flows/hello.yaml", Hello),
            ("Program.cs", """
                using System.Text.Json;
                using Microsoft.Extensions.DependencyInjection;
                using Microsoft.Extensions.Hosting;
                using Polyphony.Core.Client;
                using Polyphony.Hosting;
                using Polyphony.Testing;

                var builder = Host.CreateApplicationBuilder(args);
                builder.AddPolyphony().AddWorkflows("flows");
                using var host = builder.Build();
                await host.StartAsync();
                var workflows = host.Services.GetRequiredService<WorkflowClient>();
                var id = await workflows.StartAsync("hello", JsonSerializer.SerializeToElement(new { }));
                await workflows.Durable.WaitForCompletionAsync(id);
                Console.WriteLine($"said: {(await workflows.GetAsync(id))!.Output}");
                await host.StopAsync();

                await using var test = await WorkflowTestHost.StartAsync();
                test.Models.ForAll().Answers("scripted");
                Console.WriteLine($"tested: {(await test.RunFileAsync("flows/hello.yaml")).AssertCompleted().Output}");
                """));

        var said = await PackageFolder.RunAsync("dotnet", app, Path.Combine("out", "app.dll"));

        Assert.Contains("said: Polyphony is here.", said, StringComparison.Ordinal);
        Assert.Contains("tested: scripted", said, StringComparison.Ordinal);
        Assert.Equal(Bytes("Hosting"), File.ReadAllBytes(Path.Combine(app, "out", "Polyphony.Hosting.dll")));
    }

    [Fact]
    public async Task WebApp_WithHosting_ServesTheRoutes()
    {
        var app = await packages.CreateAsync(
            "web",
            """
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable></PropertyGroup>
              <ItemGroup><PackageReference Include="Polyphony.Hosting" Version="VERSION" /></ItemGroup>
            </Project>
            """,
            ("flows/hello.yaml", Hello),
            ("Program.cs", """
                using Polyphony.Core.Definitions;
                using Polyphony.Hosting;

                var builder = WebApplication.CreateBuilder(args);
                builder.WebHost.UseUrls("http://127.0.0.1:0");
                builder.AddPolyphony()
                    .AddWorkflows("flows")
                    .AddCodeWorkflow<string, string>(new WorkflowBuilder("late"), async (workflow, input) => $"{input} {DateTime.UtcNow:O}");
                var app = builder.Build();
                app.MapPolyphony("/polyphony");
                app.MapGet("/own", () => "own");
                await app.StartAsync();
                using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
                var started = await client.PostAsync("/polyphony/api/workflows/hello/instances?wait=60", new StringContent("{}", System.Text.Encoding.UTF8, "application/json"));
                Console.WriteLine($"{(int)started.StatusCode} {await started.Content.ReadAsStringAsync()} {await client.GetStringAsync("/own")}");
                await app.StopAsync();
                """));

        var said = await PackageFolder.RunAsync("dotnet", app, Path.Combine("out", "app.dll"));

        Assert.Contains("200 {", said, StringComparison.Ordinal);
        Assert.Contains("Polyphony is here.", said, StringComparison.Ordinal);
        Assert.Contains("} own", said, StringComparison.Ordinal);

        // The app refers to Polyphony.Hosting alone; the analyzer is in Polyphony.Core.
        Assert.Contains("): warning PLY0001: DateTime.UtcNow gives another value", File.ReadAllText(Path.Combine(app, "build.log")), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "H16")]
    public async Task FunctionsApp_WithDurableFunctions_HasTheFunctionsBesideItsOwn()
    {
        var app = await packages.CreateAsync(
            "functions",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><AzureFunctionsVersion>v4</AzureFunctionsVersion><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>
              </PropertyGroup>
              <ItemGroup>
                <FrameworkReference Include="Microsoft.AspNetCore.App" />
                <PackageReference Include="Polyphony.DurableFunctions" Version="VERSION" />
                <PackageReference Include="Microsoft.Azure.Functions.Worker.Sdk" Version="{PackageFolder.VersionOf("Microsoft.Azure.Functions.Worker.Sdk")}" />
              </ItemGroup>
            </Project>
            """,
            ("host.json", """{ "version": "2.0", "extensions": { "durableTask": { "hubName": "Fresh" } } }"""),
            ("Program.cs", """
                using System.Reflection;
                using Microsoft.Azure.Functions.Worker;
                using Microsoft.Azure.Functions.Worker.Builder;
                using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
                using Microsoft.DurableTask;
                using Microsoft.Extensions.DependencyInjection;
                using Microsoft.Extensions.Options;
                using Polyphony.DurableFunctions;

                // What a host would ask the worker for, without a host.
                Environment.SetEnvironmentVariable("AzureWebJobsStorage", "UseDevelopmentStorage=true");
                var builder = FunctionsApplication.CreateBuilder(args);
                builder.AddPolyphony();
                using var app = builder.Build();
                app.Services.GetRequiredService<IStartupValidator>().Validate();
                var functions = await app.Services.GetRequiredService<IFunctionMetadataManager>().GetFunctionMetadataAsync(AppContext.BaseDirectory);
                var listed = functions.Select(function => function.Name!).ToList();
                var library = typeof(PolyphonyOptions).Assembly.GetTypes().SelectMany(type => type.GetMethods()).Select(method => method.GetCustomAttribute<FunctionAttribute>()?.Name).OfType<string>().ToList();
                Console.WriteLine($"own: {string.Join(' ', listed.Except(library))}; missing: {string.Join(' ', library.Except(listed).Order())}; some: {listed.Contains("polyphony-workflow") && listed.Contains("polyphony-agent")}");

                internal static class Own
                {
                    [Function(nameof(ShipAsync))]
                    public static Task<string> ShipAsync([OrchestrationTrigger] TaskOrchestrationContext context) => context.CallActivityAsync<string>("Print", $"{DateTime.Now}");
                }
                """));

        var said = await PackageFolder.RunAsync("dotnet", app, Path.Combine("out", "app.dll"));

        // The keeper of schedules is there once a workflow has one, and starts by queue and blob once a setting names the queue.
        Assert.Contains("own: ShipAsync; missing: polyphony-keep-schedules polyphony-start-from-blob polyphony-start-from-blob-scan polyphony-start-from-queue; some: True", said, StringComparison.Ordinal);
        var extensions = JsonDocument.Parse(File.ReadAllText(Path.Combine(app, "out", "extensions.json"))).RootElement.GetProperty("extensions").EnumerateArray().ToList();
        Assert.Superset(new HashSet<string?> { "AzureStorageBlobs", "AzureStorageQueues", "DurableTask" }, extensions.Select(extension => extension.GetProperty("name").GetString()).ToHashSet());
        Assert.All(extensions, extension => Assert.True(File.Exists(Path.Combine(app, "out", extension.GetProperty("hintPath").GetString()!))));

        // With the package come the analyzers of Durable Task, in a version that works.
        var build = File.ReadAllText(Path.Combine(app, "build.log"));
        Assert.Contains("warning DURABLE0001: The method 'ShipAsync' uses 'System.DateTime.Now'", build, StringComparison.Ordinal);
        Assert.DoesNotContain("AD0001", build, StringComparison.Ordinal);
    }

    [Fact]
    public void Packages_AllOfThem_HaveReadmeIconDocumentationAndSymbols()
    {
        Assert.All(Directory.GetFiles(packages.Packages, "*.nupkg"), file =>
        {
            using var archive = ZipFile.OpenRead(file);
            var names = archive.Entries.Select(entry => entry.FullName).ToList();
            Assert.Contains("README.md", names);
            Assert.Contains("icon.png", names);
            Assert.Contains(names, name => name.EndsWith(".xml", StringComparison.Ordinal));
            Assert.True(File.Exists(Path.ChangeExtension(file, ".snupkg")), $"{file} has no symbols.");
        });
        Assert.Equal(9, Directory.GetFiles(packages.Packages, "*.nupkg").Length);
    }

    /// <summary>The tool carries SQLite for desktops and servers, and not for phones and browsers.</summary>
    [Fact]
    public void Tool_NativeLibraries_AreThoseOfItsPlatforms()
    {
        using var archive = ZipFile.OpenRead(packages.Find("Polyphony.Cli"));
        var native = archive.Entries.Select(entry => entry.FullName).Where(name => name.Contains("/native/", StringComparison.Ordinal) && name.Contains("e_sqlite3", StringComparison.Ordinal)).Select(name => name.Split('/')[^3]).Order();

        Assert.Equal(["linux-arm64", "linux-musl-arm64", "linux-musl-x64", "linux-x64", "osx-arm64", "osx-x64", "win-arm64", "win-x64"], native);
    }

    private byte[] Bytes(string project)
    {
        using var archive = ZipFile.OpenRead(packages.Find($"Polyphony.{project}"));
        using var bytes = new MemoryStream();
        using var stream = archive.GetEntry($"lib/net10.0/Polyphony.{project}.dll")!.Open();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
