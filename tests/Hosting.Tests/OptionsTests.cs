using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Engine;
using Polyphony.TestKit;

namespace Polyphony.Hosting.Tests;

/// <summary>Settings: where they come from, and what is said when they are wrong.</summary>
[Trait("Row", "H15")]
public sealed class OptionsTests : IDisposable
{
    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task Start_WithMuchWrong_ListsAllOfItAtOnce()
    {
        _app.Write("settings.json", """{ "models": { "fast": { "provider": "opnai" } }, "allowedEndpoint": [] }""");
        using var host = _app.Worker(
            builder =>
            {
                builder.AddPolyphony(options =>
                {
                    options.SettingsFile = "settings.json";
                    options.Models.Add(new ModelDefinition { Name = "smart", Provider = "antropic", Fallback = ["nobody"] });
                    options.Prices["model-1"] = new ModelPrice(-1, 1);
                    options.FilesFolder = " ";
                }).AddChatClient("anthropic", _ => throw new InvalidOperationException("Not before the app starts."));
            },
            ("Polyphony:MaxConcurrentActivities", "0"),
            ("Polyphony:MaxLiveInstances", "many"),
            ("Polyphony:DataFoldr", "x"),
            ("Polyphony:MaxUnfinishedInstances", "0"),
            ("Polyphony:MaxUnfinishedPerWorkflow:one", "few"),
            ("Polyphony:MaxUnfinishedPerWorkflow:two", "-3"),
            ("Polyphony:Durability", "2"),
            ("Polyphony:ToolTimeout", "00:00:00"),
            ("Polyphony:Heartbeat", "1w"),
            ("Polyphony:ApiKey", "short"),
            ("Polyphony:OpenApiPath", "openapi"),
            ("Polyphony:DataFolder:Nested", "x"));

        var invalid = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(
            [
                "Polyphony:DataFolder must be one value; found a section. Correct it in the configuration.",
                "Polyphony:DataFoldr is not a setting of Polyphony. Did you mean \"DataFolder\"?",
                "Polyphony:Durability must be one of Full, Normal; found \"2\". Correct it in the configuration.",
                "Polyphony:Heartbeat must be a duration such as 30s or 00:00:30; found \"1w\". Correct it in the configuration.",
                "Polyphony:MaxLiveInstances must be a whole number; found \"many\". Correct it in the configuration.",
                "Polyphony:MaxUnfinishedPerWorkflow:one must be a whole number; found \"few\". Correct it in the configuration.",
                "MaxConcurrentActivities must be 1 or more; found 0.",
                "MaxUnfinishedInstances must be 1 or more; found 0.",
                "MaxUnfinishedPerWorkflow of \"two\" must be 1 or more; found -3.",
                "ToolTimeout must be 00:00:00.0010000 to 1.00:00:00; found 00:00:00.",
                "Prices: the price of \"model-1\" must be 0 or more; found ModelPrice { InputPerMillion = -1, OutputPerMillion = 1, CachedInputPerMillion = , Above =  }.",
                "ApiKey must have at least 16 visible ASCII characters without spaces; found 5. Make one with: openssl rand -hex 24",
                "OpenApiPath must be a path that begins with \"/\"; found \"openapi\". Such as /openapi/polyphony.json.",
                "FilesFolder must be a path; found \" \". Name a folder, or leave it out.",
                $"{_app.Root}/settings.json:1:37: \"provider\" must be one of openai, azure-openai, offline, not \"opnai\". Did you mean \"openai\"? [invalid_value]{Environment.NewLine}"
                    + $"{_app.Root}/settings.json:1:50: unknown key \"allowedEndpoint\". Did you mean \"allowedEndpoints\"? [unknown_key]",
                "The fallback \"nobody\" of model \"smart\" in Models is not another model of this app. Known are smart.",
                "The model \"smart\" names the provider \"antropic\", which this app does not have. It has offline, openai, azure-openai, anthropic. Did you mean \"anthropic\"?",
            ],
            invalid.Failures);
        Assert.False(Directory.Exists(Path.Combine(_app.Root, ".polyphony")));
    }

    [Fact]
    public void Options_OfTheConfiguration_TakeEverySetting()
    {
        using var host = _app.Worker(
            builder => builder.AddPolyphony(options => options.MaxLiveInstances = 9),
            ("Polyphony:DataFolder", "data"),
            ("polyphony:inmemory", "true"),
            ("Polyphony:WorkflowFolders:0", "a"),
            ("Polyphony:WorkflowFolders:1", "b"),
            ("Polyphony:FilesFolder", "files"),
            ("Polyphony:SettingsFile", ""),
            ("Polyphony:MaxConcurrentActivities", "7"),
            ("Polyphony:MaxLiveInstances", "8"),
            ("Polyphony:MaxUnfinishedInstances", "50"),
            ("Polyphony:MaxUnfinishedPerWorkflow:review", "5"),
            ("Polyphony:Durability", "normal"),
            ("Polyphony:StopTimeout", "0s"),
            ("Polyphony:ToolTimeout", "1m30s"),
            ("Polyphony:PayloadCacheBytes", "1000"),
            ("Polyphony:Paused", "True"),
            ("Polyphony:ApiKey", "0123456789abcdef"),
            ("Polyphony:MaxBodyBytes", "1024"),
            ("Polyphony:MaxUploadBytes", "2048"),
            ("Polyphony:Heartbeat", "00:00:05"),
            ("Polyphony:AllowInlineDefinitions", "true"),
            ("Polyphony:OpenApiPath", "/api.json"));

        var options = host.Services.GetRequiredService<IOptions<PolyphonyOptions>>().Value;

        Assert.Equal(("data", true, "files", null), (options.DataFolder, options.InMemory, options.FilesFolder, options.SettingsFile));
        Assert.Equal(["a", "b"], options.WorkflowFolders);
        Assert.Equal((7, 9, Durability.Normal), (options.MaxConcurrentActivities, options.MaxLiveInstances, options.Durability));
        Assert.Equal((50, KeyValuePair.Create("review", 5)), (options.MaxUnfinishedInstances, Assert.Single(options.MaxUnfinishedPerWorkflow)));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(5)), (options.StopTimeout, options.ToolTimeout, options.Heartbeat));
        Assert.Equal((1000, true, "0123456789abcdef"), (options.PayloadCacheBytes, options.Paused, options.ApiKey));
        Assert.Equal((1024, 2048, true, "/api.json"), (options.MaxBodyBytes, options.MaxUploadBytes, options.AllowInlineDefinitions, options.OpenApiPath));
    }

    // Whatever is added to the options must be read from the configuration as well. Tools are added in code by the builder.
    [Fact]
    public void Options_OfTheConfiguration_KnowEveryProperty()
    {
        var names = typeof(PolyphonyOptions).GetProperties().Select(property => property.Name).ToList();
        using var host = _app.Worker(builder => builder.AddPolyphony(), [.. names.Select(name => ($"Polyphony:{name}", (string?)"")), ("Polyphony:Nothing", "")]);

        var invalid = Assert.Throws<OptionsValidationException>(() => host.Services.GetRequiredService<IOptions<PolyphonyOptions>>().Value);

        const string says = "Polyphony:Nothing is not a setting of Polyphony. Known are ";
        var failure = Assert.Single(invalid.Failures);
        Assert.StartsWith(says, failure, StringComparison.Ordinal);
        Assert.Equal(names.Append("tools").Order(StringComparer.OrdinalIgnoreCase), failure[says.Length..].TrimEnd('.').Split(", ").Order(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public void Docs_OfTheSettings_NameEveryProperty()
    {
        var rows = File.ReadLines(Path.Combine(Repository.Root, "docs", "hosting.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|')[1]).ToList();

        Assert.DoesNotContain(typeof(PolyphonyOptions).GetProperties(), property => !rows.Exists(row => row.Contains($"`{property.Name}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void Models_OfFileConfigurationAndCode_AreTakenTogetherWithTheirPrices()
    {
        _app.Write("settings.json", """{ "models": { "a": { "provider": "offline" } }, "prices": { "asOf": "2026-01-01", "models": { "m1": { "input": 1, "output": 1 }, "m2": { "input": 1, "output": 1 }, "m3": { "input": 1, "output": 1 } } } }""");
        using var host = _app.Worker(
            builder => builder.AddPolyphony(options =>
            {
                options.Models.Add(new ModelDefinition { Name = "c", Provider = "offline", Fallback = ["a", "b"] });
                options.Prices["m3"] = new ModelPrice(3, 3);
            }),
            ("Polyphony:SettingsFile", "settings.json"),
            ("Polyphony:Models:b:Provider", "openai"),
            ("Polyphony:Models:b:MODEL", "4"),
            ("Polyphony:Models:b:requestsPerMinute", "60"),
            ("Polyphony:Models:b:Temperature", "0.5"),
            ("Polyphony:Models:b:Dialect:StrictSchemas", "false"),
            ("Polyphony:AllowedEndpoints:0:Endpoint", "https://llm.example.com/v1"),
            ("Polyphony:AllowedEndpoints:0:ApiKeyVariable", "LLM_KEY"),
            ("Polyphony:Prices:AsOf", "2026-02-01"),
            ("Polyphony:Prices:Models:m2:Input", "0.25"),
            ("Polyphony:Prices:Models:m2:Output", "2"));

        var models = host.Services.GetRequiredService<Settings.HostSettings>().Models;

        Assert.Equal(["a", "b", "c"], models.Models.Keys);
        Assert.Equal(("openai", "4", 60, 0.5, false), (models.Models["b"].Provider, models.Models["b"].Model, models.Models["b"].RequestsPerMinute, models.Models["b"].Temperature, models.Models["b"].Dialect!.StrictSchemas));
        Assert.Equal(["LLM_KEY"], models.Endpoints.Allowed.Select(entry => entry.ApiKeyVariable));
        Assert.Equal([1m, 0.25m, 3m], new[] { "m1", "m2", "m3" }.Select(model => models.Prices.Find(model)!.InputPerMillion));
        Assert.NotNull(models.Prices.Find("gpt-4.1-mini"));
    }

    [Fact]
    public async Task Start_ModelsThatAreWrongInTheConfiguration_AreNamedByTheirPath()
    {
        using var host = _app.Worker(
            builder => builder.AddPolyphony(options => options.Models.Add(new ModelDefinition { Name = "twice", Provider = "offline" })),
            ("Polyphony:Models:fast:Provider", "offline"),
            ("Polyphony:Models:fast:Temprature", "1"),
            ("Polyphony:Models:twice:Provider", "offline"));
        var first = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(["Polyphony: models.fast.Temprature: unknown key \"Temprature\" in models.fast. Did you mean \"temperature\"? [unknown_key]"], first.Failures);

        using var clash = _app.Worker(
            builder => builder.AddPolyphony(options => options.Models.Add(new ModelDefinition { Name = "twice", Provider = "offline" })), ("Polyphony:Models:twice:Provider", "offline"));
        var second = await Assert.ThrowsAsync<OptionsValidationException>(() => clash.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(["The model \"twice\" of Models is defined in another place too. Keep one of the two."], second.Failures);
    }

    [Fact]
    public async Task AddPolyphony_Twice_ReadsTheConfigurationOnceAndAddsToTheSame()
    {
        using var host = _app.Worker(
            builder =>
            {
                builder.AddPolyphony(options => options.InMemory = true);
                builder.AddPolyphony(options => options.MaxBodyBytes = 5);
            },
            ("Polyphony:WorkflowFolders", "a"));
        await host.StartAsync(TestContext.Current.CancellationToken);

        var options = host.Services.GetRequiredService<IOptions<PolyphonyOptions>>().Value;
        Assert.Equal(["a"], options.WorkflowFolders);
        Assert.Equal((true, 5), (options.InMemory, options.MaxBodyBytes));
        var services = host.Services.GetServices<IHostedService>().Where(service => service.GetType().Assembly == typeof(PolyphonyHosting).Assembly);
        Assert.Equal(["HostedEngine", "ScheduleService"], services.Select(service => service.GetType().Name));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }
}
