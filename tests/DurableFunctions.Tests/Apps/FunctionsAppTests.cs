using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.DurableFunctions.Hosting;

namespace Polyphony.DurableFunctions.Tests.Apps;

/// <summary>A Functions app that calls <c>AddPolyphony</c> has Polyphony's functions beside its own: those that the worker SDK lists, as the settings want them.</summary>
[Trait("Row", "H16")]
public sealed class FunctionsAppTests
{
    private const string Sample = "samples/FunctionsApp";

    private static readonly string[] Ours = [.. typeof(PolyphonyOptions).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods())
        .Select(method => method.GetCustomAttribute<FunctionAttribute>()?.Name)
        .OfType<string>()
        .Order(StringComparer.Ordinal)];

    private static readonly string[] OwnOfSample = ["PrintLabel", "ShipmentAsync", "askAboutOrder", "getOrder", "shipOrder", "thankCustomer"];

    [Fact]
    public async Task Functions_OfTheDeployedApp_AreThoseOfTheLibrary() =>
        Assert.Equal(Ours, Names(await BuiltApp.Load("src/Functions").ListAsync()));

    [Fact]
    public async Task Functions_OfAnAppOfItsOwn_AreItsOwnAndThoseOfTheLibrary() =>
        Assert.Equal(OwnOfSample.Concat(Ours).Order(StringComparer.Ordinal), Names(await BuiltApp.Load(Sample).ListAsync()));

    [Fact]
    public void Functions_OfTheLibrary_AreTakenForNoOthers() => Assert.All(Ours, name => Assert.StartsWith("polyphony-", name, StringComparison.Ordinal));

    // The executor runs what it was generated for; anything else it passes over without a word.
    [Fact]
    public void Executor_OfAnAppOfItsOwn_KnowsTheTriggersOfTheLibrary()
    {
        var executor = BuiltApp.Load(Sample).Assembly.GetTypes().Single(type => typeof(Microsoft.Azure.Functions.Worker.Invocation.IFunctionExecutor).IsAssignableFrom(type));
        var instance = Activator.CreateInstance(executor, new NoActivator())!;

        var types = (Dictionary<string, Type>)executor.GetField("types", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(instance)!;

        Assert.Superset(
            typeof(PolyphonyOptions).Assembly.GetTypes().Where(type => type.GetMethods().Any(method => method.IsDefined(typeof(FunctionAttribute)))).ToHashSet(),
            types.Values.ToHashSet());
    }

    [Theory]
    [InlineData("src/Functions")]
    [InlineData(Sample)]
    public void Extensions_OfTheHost_ComeWithTheLibrary(string project)
    {
        var app = BuiltApp.Load(project);
        var extensions = JsonNode.Parse(File.ReadAllText(Path.Combine(app.Folder, "extensions.json")))!["extensions"]!.AsArray();

        Assert.Superset(
            new HashSet<string> { "AzureStorageBlobs", "AzureStorageQueues", "DurableTask" }, extensions.Select(extension => extension!["name"]!.GetValue<string>()).ToHashSet());
        Assert.All(extensions, extension => Assert.True(File.Exists(Path.Combine(app.Folder, extension!["hintPath"]!.GetValue<string>()))));
    }

    [Fact]
    public async Task Index_WithTheUsualPrefix_HasTheRoutesOfTheApiOnce()
    {
        var routes = Routes(await IndexAsync(BuiltApp.Load(Sample), prefix: "api"));

        Assert.Contains("workflows/{name}/instances", routes);
        Assert.Contains("instances/{id}/events/{name}", routes);
        Assert.Contains("healthz/live", routes);
        Assert.Contains("orders/{id}/questions", routes);
        Assert.DoesNotContain(routes, route => route.StartsWith("api/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Index_WithoutAPrefix_KeepsTheRoutes()
    {
        var app = BuiltApp.Load(Sample);

        Assert.Equal(Routes(await app.ListAsync()), Routes(await IndexAsync(app, prefix: "")));
    }

    // The host and the worker's own routing each ask; the host tells functions apart by these ids.
    [Fact]
    public async Task Index_AskedTwice_IsTheSame()
    {
        await using var provider = Build(BuiltApp.Load(Sample), "api", polyphony => polyphony.AddCodeWorkflow(Agents("note"), RunAsync));
        var index = provider.GetRequiredService<IFunctionMetadataManager>();

        var (first, second) = (await index.GetFunctionMetadataAsync(""), await index.GetFunctionMetadataAsync(""));

        Assert.Equal(first.Select(Describe), second.Select(Describe));
        Assert.Equal(first.Length, first.Select(function => function.FunctionId).Distinct().Count());

        static string Describe(IFunctionMetadata function) => $"{function.FunctionId} {function.Name} {string.Join(' ', function.RawBindings!)}";
    }

    [Fact]
    [Trait("Row", "O14")]
    public async Task WorkflowInCSharp_NeedsNoFunctionOfItsOwnAndIsListed()
    {
        var app = BuiltApp.Load(Sample);
        await using var provider = Build(app, "api", polyphony => polyphony.AddCodeWorkflow(Agents("note"), RunAsync));

        var functions = await provider.GetRequiredService<IFunctionMetadataManager>().GetFunctionMetadataAsync("");

        Assert.Equal(Names(await IndexAsync(app, prefix: "api")), Names(functions));
        Assert.Contains(provider.GetRequiredService<WorkflowClient>().Catalog.List(), workflow => workflow.Name == "note");
    }

    [Fact]
    public async Task AddPolyphony_AfterAndBeforeTheLineOfTheTemplate_SetsAspNetCoreUpOnce()
    {
        await using var provider = Build(BuiltApp.Load(Sample), "api", configureBefore: builder => builder.ConfigureFunctionsWebApplication(), configureAfter: builder =>
        {
            builder.ConfigureFunctionsWebApplication();
            builder.AddPolyphony(options => options.FilesFolder = "/second");
            Assert.Single(builder.Services, service => service.ImplementationType?.Name == "FunctionsHttpProxyingMiddleware");
            Assert.Single(builder.Services, service => service.ServiceType == typeof(AppFunctions));
            Assert.Single(builder.Services, service => service.ServiceType.Name == "FunctionsEndpointDataSource");
        });

        Assert.Equal(Path.GetFullPath("/second"), provider.GetRequiredService<FunctionsSettings>().FilesFolder);
    }

    [Fact]
    public async Task Services_OfTheApp_AreAllThere()
    {
        await using var provider = Build(BuiltApp.Load(Sample), "api", polyphony => polyphony
            .AddCodeWorkflow(Agents("note"), RunAsync)
            .AddTool(AIFunctionFactory.Create((string city) => $"Sunny in {city}.", "weather", "Tells the weather.")));

        Assert.NotNull(provider.GetRequiredService<WorkflowClient>());
        Assert.NotNull(provider.GetRequiredService<AppFunctions>());
        Assert.All(typeof(PolyphonyOptions).Assembly.GetTypes().Where(type => type.Name.EndsWith("Triggers", StringComparison.Ordinal)), type => Assert.NotNull(ActivatorUtilities.CreateInstance(provider, type)));
    }

    [Fact]
    public async Task Tools_OfAClass_GetAnInstanceOfTheirOwnForEveryCall()
    {
        await using var provider = Build(BuiltApp.Load(Sample), "api", polyphony => polyphony.AddTool<Counter>());
        var tool = Assert.Single(provider.GetServices<AppTool>()).Function;

        var answers = new[] { await tool.InvokeAsync([], Token), await tool.InvokeAsync([], Token) };

        Assert.Equal("count_calls", tool.Name);
        Assert.Equal(["1", "1"], answers.Select(answer => $"{answer}"));
    }

    [Fact]
    [Trait("Row", "O12")]
    public async Task Tools_OfTheSettingsFileAndOfCode_AreThere()
    {
        var folder = Directory.CreateTempSubdirectory("polyphony-functions-");
        try
        {
            var file = Path.Combine(folder.FullName, "settings.json");
            await File.WriteAllTextAsync(
                file, """{ "tools": { "servers": { "search": { "url": "https://search.example.com/mcp" } }, "allowedEndpoints": [ { "endpoint": "https://api.example.com/v1" } ], "files": { "docs": "docs" } } }""", Token);
            await using var provider = Build(
                BuiltApp.Load(Sample), "api", polyphony => polyphony.AddToolServer("git", new ToolServer { Command = "git-server" }).AllowToolEndpoint("https://more.example.com"), new() { ["POLYPHONY_SETTINGS"] = file });

            Assert.Equal(["git", "search"], provider.GetRequiredService<ToolServers>().Names);
            Assert.Equal(["https://api.example.com/v1", "https://more.example.com"], provider.GetRequiredService<WorkflowClient>().Endpoints.ToolEndpoints.Select(endpoint => endpoint.Pattern));
            Assert.Equal(Path.Combine(folder.FullName, "docs"), provider.GetRequiredService<ModelSettings>().Tools.Files["docs"]);
            Assert.NotNull(provider.GetRequiredService<AppFunctions>());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Start_WithEverythingWrong_ListsItAll()
    {
        await using var provider = Build(
            BuiltApp.Load(Sample),
            "api",
            polyphony => polyphony
                .AddCodeWorkflow(Agents("note"), RunAsync).AddCodeWorkflow(Agents("note"), RunAsync)
                .AddToolServer("x", new ToolServer())
                .AddTool(AIFunctionFactory.Create(() => 1, "one")).AddTool(AIFunctionFactory.Create(() => 2, "one"))
                .AddChatClient("anthropic", _ => throw new InvalidOperationException("It is not made by a check.")),
            settings: new() { ["POLYPHONY_TABLE"] = "no-table", ["POLYPHONY_QUEUE"] = "No" });

        var e = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate());

        string[] expected = ["two tools named \"one\"", "2 workflows named \"note\"", "POLYPHONY_TABLE (Table)", "POLYPHONY_QUEUE is \"No\"", "The tool server \"x\": it must have either Command or Url"];
        Assert.All(expected, problem => Assert.Contains(e.Failures, failure => failure.Contains(problem, StringComparison.Ordinal)));
        Assert.Equal(expected.Length, e.Failures.Count());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<JsonElement?> RunAsync(CodeWorkflow workflow, JsonElement input) => Task.FromResult<JsonElement?>(input);

    private static WorkflowBuilder Agents(string name) => new WorkflowBuilder(name).Model("fast", "offline").Agent("writer", "fast", "You write.");

    private static IEnumerable<string> Names(ImmutableArray<IFunctionMetadata> functions) => functions.Select(function => function.Name!).Order(StringComparer.Ordinal);

    private static IReadOnlyList<string> Routes(ImmutableArray<IFunctionMetadata> functions) =>
        [.. functions.SelectMany(function => function.RawBindings!).Select(binding => JsonNode.Parse(binding)!.AsObject().FirstOrDefault(property => property.Key == "route").Value).OfType<JsonNode>().Select(route => route.GetValue<string>())];

    private static async Task<ImmutableArray<IFunctionMetadata>> IndexAsync(BuiltApp app, string prefix)
    {
        await using var provider = Build(app, prefix);
        return await provider.GetRequiredService<IFunctionMetadataManager>().GetFunctionMetadataAsync(app.Folder);
    }

    private static ServiceProvider Build(
        BuiltApp app,
        string prefix,
        Action<PolyphonyBuilder>? configure = null,
        Dictionary<string, string?>? settings = null,
        Action<FunctionsApplicationBuilder>? configureBefore = null,
        Action<FunctionsApplicationBuilder>? configureAfter = null)
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection([.. settings ?? [], new("TASKHUB_NAME", "hub"), new("AzureWebJobsStorage", "UseDevelopmentStorage=true")]);
        configureBefore?.Invoke(builder);
        var polyphony = builder.AddPolyphony();
        configure?.Invoke(polyphony);
        configureAfter?.Invoke(builder);
        builder.Services.AddSingleton(app.MakeProvider());
        builder.Services.AddSingleton(provider => HostJson.Parse(
            $$"""{ "extensions": { "http": { "routePrefix": "{{prefix}}" }, "durableTask": { "hubName": "%TASKHUB_NAME%" } } }""", "host.json", provider.GetRequiredService<IConfiguration>()));
        return builder.Services.BuildServiceProvider();
    }

    private sealed class Counter
    {
        private int _calls;

        [System.ComponentModel.Description("Counts the calls of this instance.")]
        public int CountCallsAsync() => ++_calls;
    }

    private sealed class NoActivator : IFunctionActivator
    {
        public object? CreateInstance(Type instanceType, FunctionContext context) => throw new NotSupportedException();
    }
}
