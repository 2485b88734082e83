using Polyphony.DurableFunctions.Hosting;

namespace Polyphony.DurableFunctions.Tests.Apps;

/// <summary>Options come from app settings, then from code; names that are not given are made of host.json's task hub; everything that is wrong is listed.</summary>
[Trait("Row", "H16")]
public sealed class FunctionsSettingsTests
{
    [Theory]
    [InlineData("Polyphony1Ledger", "TASKHUB_NAME=Polyphony1")]
    [InlineData("myhubabafb8f4Ledger", "TASKHUB_NAME=my-hub")]
    [InlineData("Steps", "TASKHUB_NAME=1", "POLYPHONY_TABLE=Steps")]
    [InlineData("SetLedger", "TASKHUB_NAME=Polyphony1", "AzureFunctionsJobHost__extensions__durableTask__hubName=Set")]
    public void Table_OfTheSettings_IsNamed(string expected, params string[] settings)
    {
        List<string> problems = [];

        Assert.Equal(expected, AppSettings.Resolve(AppSettings.Read(settings), problems: problems).Table);
        Assert.Empty(problems);
    }

    [Theory]
    [InlineData("{ \"extensions\": { \"durableTask\": { \"hubName\": \"Plain1\" } } }", "plain1-polyphony")]
    [InlineData("{ /* as the host takes it */ \"Extensions\": { \"DurableTask\": { \"HubName\": \"A%PART%B\", } } }", "axb-polyphony")]
    public void Container_WithoutASetting_IsNamedAfterTheTaskHub(string host, string expected)
    {
        List<string> problems = [];

        Assert.Equal(expected, AppSettings.Resolve(AppSettings.Read(["PART=x"]), host, problems: problems).Container);
        Assert.Empty(problems);
    }

    [Fact]
    public void Options_SetInCode_CountBeforeAppSettings()
    {
        var settings = AppSettings.Resolve(
            AppSettings.Read(["TASKHUB_NAME=hub", "POLYPHONY_WORKFLOWS=/from/settings", "POLYPHONY_FILES=/files"]), configure: options => options.WorkflowsFolder = "/from/code");

        Assert.Equal(Path.GetFullPath("/from/code"), settings.WorkflowsFolder);
        Assert.Equal(Path.GetFullPath("/files"), settings.FilesFolder);
    }

    [Fact]
    [Trait("Row", "C5")]
    public void Limits_OfAppSettingsAndCode_AreTakenTogether()
    {
        var settings = AppSettings.Resolve(
            AppSettings.Read(["TASKHUB_NAME=hub", "POLYPHONY_MAX_UNFINISHED_INSTANCES=50", "POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW=a=1, b=2"]),
            configure: options => options.MaxUnfinishedPerWorkflow["b"] = 3);

        Assert.Equal(50, settings.Admission.MaxUnfinished);
        Assert.Equal([KeyValuePair.Create("a", 1), KeyValuePair.Create("b", 3)], settings.Admission.PerWorkflow.OrderBy(pair => pair.Key));
        Assert.Null(AppSettings.Resolve(AppSettings.Read(["TASKHUB_NAME=hub"])).Admission.MaxUnfinished);
    }

    [Theory]
    [InlineData("POLYPHONY_MAX_UNFINISHED_INSTANCES must be a whole number", AppSettings.UsualHost, "TASKHUB_NAME=hub", "POLYPHONY_MAX_UNFINISHED_INSTANCES=x")]
    [InlineData("MaxUnfinishedPerWorkflow of \"a\" must be 1 or more; found 0", AppSettings.UsualHost, "TASKHUB_NAME=hub", "POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW=a=0")]
    [InlineData("POLYPHONY_TABLE (Table) names no table", AppSettings.UsualHost, "TASKHUB_NAME=hub", "POLYPHONY_TABLE=no-table")]
    [InlineData("POLYPHONY_TABLE (Table) names no table", AppSettings.UsualHost, "TASKHUB_NAME=hub", "POLYPHONY_TABLE=t")]
    [InlineData("Name the table in POLYPHONY_TABLE", AppSettings.UsualHost, "TASKHUB_NAME=1hub")]
    [InlineData("POLYPHONY_CONTAINER (Container) names no container", AppSettings.UsualHost, "TASKHUB_NAME=hub", "POLYPHONY_CONTAINER=No_Container")]
    [InlineData("there is no app setting TASKHUB_NAME", AppSettings.UsualHost)]
    [InlineData("names no task hub", "{ \"version\": \"2.0\" }", "TASKHUB_NAME=hub")]
    [InlineData("functionTimeout in \"host.json\" 00:00:20", "{ \"functionTimeout\": \"00:00:20\", \"extensions\": { \"durableTask\": { \"hubName\": \"hub\" } } }")]
    public void Resolve_WhatCanNotBe_IsRefused(string problem, string host, params string[] settings)
    {
        List<string> problems = [];

        AppSettings.Resolve(AppSettings.Read(settings), host, problems: problems);

        Assert.Contains(problem, Assert.Single(problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{ \"extensions\": [] }")]
    [InlineData("{ \"extensions\": ")]
    public void HostJson_ThatIsNone_IsRefusedByItsPath(string text)
    {
        var e = Assert.Throws<PolyphonyException>(() => HostJson.Parse(text, "/app/host.json", AppSettings.Read([])));

        Assert.Equal("settings_invalid", e.Code);
        Assert.Contains("/app/host.json", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "", "api/workflows", "healthz/live")]
    [InlineData("api", "", "workflows", "healthz/live")]
    [InlineData("v1", "/v1", "api/workflows", "healthz/live")]
    [InlineData("v1/api", "/v1", "workflows", "healthz/live")]
    [InlineData("myapi", "/myapi", "api/workflows", "healthz/live")]
    public void Routes_BelowThePrefixOfTheApp_NameTheApiOnce(string prefix, string pathBase, string workflows, string health)
    {
        var routes = ApiRoutes.Of(prefix);

        Assert.Equal((pathBase, workflows, health), (routes.PathBase, routes.Below("api/workflows"), routes.Below("healthz/live")));
    }
}
