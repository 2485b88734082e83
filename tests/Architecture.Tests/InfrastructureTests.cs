using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.Activities.Providers.OpenAI;

namespace Polyphony.Architecture.Tests;

/// <summary>infra/ fits together, fits the app and docs/deploy.md, and has no keys in it.</summary>
[Trait("Row", "H8")]
public sealed partial class InfrastructureTests
{
    private static readonly string Guide = File.ReadAllText(Path.Combine(Tree.Root, "docs", "deploy.md"));

    [Fact]
    public void MainBicep_Compiled_HasNoWarnings() => Assert.Equal("", Template.Compiled.Warnings);

    [Fact]
    public void Declarations_OfEveryTemplate_HaveDescriptions()
    {
        var bare = Template.All.SelectMany(template => template.Members("parameters").Concat(template.Members("outputs"))
            .Where(declaration => !(declaration.Value.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("description", out _)))
            .Select(declaration => $"{template.Name}: {declaration.Name}"));
        Assert.Empty(bare);
    }

    [Fact]
    public void Numbers_OfEveryTemplate_AreBounded()
    {
        var open = Template.All.SelectMany(template => template.Members("parameters")
            .Where(parameter => parameter.Value.GetProperty("type").ValueEquals("int"))
            .Where(parameter => !parameter.Value.TryGetProperty("allowedValues", out _)
                && !(parameter.Value.TryGetProperty("minValue", out _) && parameter.Value.TryGetProperty("maxValue", out _)))
            .Select(parameter => $"{template.Name}: {parameter.Name}"));
        Assert.Empty(open);
    }

    [Fact]
    public void Modules_OfInfra_AreAllPartOfTheTemplate() => Assert.Equal(
        Directory.EnumerateFiles(Path.Combine(Template.Folder, "modules"), "*.bicep").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal),
        Template.All.Where(template => template != Template.Main).Select(template => template.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Files_OfInfra_HaveNoKeysInThem()
    {
        string[] forbidden =
        [
            "listKeys", "listAccountSas", "listServiceSas", "listConnectionStrings", "listCredentials", "primaryKey", "AccountKey=", "SharedAccessSignature", "InstrumentationKey",
            "allowSharedKeyAccess: true", "allowBlobPublicAccess: true", "disableLocalAuth: false", "DisableLocalAuth: false", "StorageAccountConnectionString", "@secure(", "AZURE_OPENAI_API_KEY",
        ];
        var found = Directory.EnumerateFiles(Template.Folder, "*", SearchOption.AllDirectories)
            .SelectMany(path => forbidden.Where(File.ReadAllText(path).Contains).Select(word => $"{Path.GetFileName(path)}: {word}"));
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("storage", "Microsoft.Storage/storageAccounts", "allowSharedKeyAccess", false)]
    [InlineData("storage", "Microsoft.Storage/storageAccounts", "allowBlobPublicAccess", false)]
    [InlineData("openai", "Microsoft.CognitiveServices/accounts", "disableLocalAuth", true)]
    [InlineData("monitoring", "Microsoft.Insights/components", "DisableLocalAuth", true)]
    [InlineData("function-app", "Microsoft.Web/sites/basicPublishingCredentialsPolicies", "allow", false)]
    public void Resources_WithKeysOfTheirOwn_TakeIdentitiesOnly(string module, string type, string property, bool value)
    {
        var resources = Template.Named(module).Resources.Where(resource => resource.GetProperty("type").ValueEquals(type)).ToList();
        Assert.NotEmpty(resources);
        Assert.All(resources, resource => Assert.Equal(value, resource.GetProperty("properties").GetProperty(property).GetBoolean()));
    }

    [Fact]
    public void Roles_OfTheTemplate_AreThoseOfTheGuide()
    {
        // The ids are Azure's, the same everywhere.
        var names = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["b7e6dc6d-f1e8-4753-8033-0f276bb0955b"] = "Storage Blob Data Owner",
            ["974c5e8b-45b9-4653-ba55-5f855dd0fb88"] = "Storage Queue Data Contributor",
            ["0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"] = "Storage Table Data Contributor",
            ["3913510d-42f4-4e42-8a64-420c390055eb"] = "Monitoring Metrics Publisher",
            ["5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"] = "Cognitive Services OpenAI User",
            ["0ad04412-c4d5-4796-b79c-f76d14c8d402"] = "Durable Task Data Contributor",
        };
        var assignments = Template.All.SelectMany(template => template.Resources
            .Where(resource => resource.GetProperty("type").ValueEquals("Microsoft.Authorization/roleAssignments"))
            .Select(resource => (template, Properties: resource.GetProperty("properties")))).ToList();
        Assert.All(assignments, assignment => Assert.Equal("[parameters('principalId')]", assignment.Properties.GetProperty("principalId").GetString()));

        var given = assignments.Select(assignment => assignment.template).Distinct()
            .SelectMany(template => IdPattern().Matches(template.Json.GetRawText())).Select(id => names[id.Value]).ToHashSet(StringComparer.Ordinal);
        var described = Section("## Who may do what").Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| role |", StringComparison.Ordinal))
            .SelectMany(line => line.Split('|')[1].Split(',', StringSplitOptions.TrimEntries));
        Assert.Equal(described.Order(StringComparer.Ordinal), given.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void MainParameters_OfAzd_AreThoseOfMainWithTheSameDefaults()
    {
        // azd takes an empty text for no answer, so each default stands in both files and must be the same in both.
        var expected = Template.Main.Defaults.ToDictionary(
            parameter => parameter.Key,
            parameter => parameter.Key switch
            {
                "environmentName" => "${AZURE_ENV_NAME}",
                "location" => "${AZURE_LOCATION}",
                _ => $"${{{Variable(parameter.Key)}={parameter.Value}}}",
            },
            StringComparer.Ordinal);
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Template.Folder, "main.parameters.json")));
        var actual = document.RootElement.GetProperty("parameters").EnumerateObject()
            .ToDictionary(property => property.Name, property => property.Value.GetProperty("value").GetString()!, StringComparer.Ordinal);
        Assert.Equal(expected.OrderBy(pair => pair.Key, StringComparer.Ordinal), actual.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Parameters_OfMain_AreInTheGuideWithTheirDefaults()
    {
        foreach (var (name, text) in Template.Main.Defaults.Where(parameter => parameter.Key is not ("environmentName" or "location")))
        {
            var value = text is "" ? "" : $"`{text}`";
            Assert.Contains($"| `{Variable(name)}` | {value}", Guide, StringComparison.Ordinal);
        }

        var known = Template.Main.Defaults.Keys.Select(Variable).Append("POLYPHONY_SETTINGS").ToHashSet(StringComparer.Ordinal);
        Assert.Subset(known, VariablePattern().Matches(Guide).Select(match => match.Value).ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public void Settings_OfTheApp_AreThoseOfTheGuide()
    {
        var set = Settings();
        var described = CodePattern().Matches(string.Join('\n', Section("## Settings of the app").Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|')[1])))
            .Select(match => match.Groups["name"].Value);
        Assert.Equal(described.Order(StringComparer.Ordinal), set.Order(StringComparer.Ordinal));
        Assert.Contains(AzureOpenAIProvider.EndpointVariable, set);
        Assert.Contains("POLYPHONY_SETTINGS", File.ReadAllText(Path.Combine(Tree.Root, "docs", "models.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_ThatHostJsonAndTheAppsPageName_AreSet()
    {
        var set = Settings();
        var named = PercentPattern().Matches(File.ReadAllText(Path.Combine(Tree.Root, "host.json"))).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(named);
        Assert.Subset(set, named);

        // Those aside that Azure's own libraries read.
        var page = File.ReadAllText(Path.Combine(Tree.Root, "docs", "azure.md"));
        string[] others = ["AZURE_CLIENT_ID", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"];
        Assert.All(set.Except(others).Select(name => name.Split("__")[0]), name => Assert.Contains($"`{name}", page.Replace("\"connectionStringName\": \"", "`", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    [Fact]
    public void AzureYaml_OfTheRepository_NamesAProjectAndItsService()
    {
        var yaml = File.ReadAllText(Path.Combine(Tree.Root, "azure.yaml"));
        var service = ServicePattern().Match(yaml);
        Assert.True(service.Success, "azure.yaml has no service with a project.");
        var name = service.Groups["name"].Value;
        var app = Template.Main.Resources.Single(resource => resource.GetProperty("name").ValueEquals("function-app"));
        Assert.Equal(name, app.GetProperty("properties").GetProperty("parameters").GetProperty("serviceName").GetProperty("value").GetString());
        Assert.Contains($"SERVICE_{name.ToUpperInvariant()}_NAME", Template.Main.Members("outputs").Select(output => output.Name));
        var project = Path.Combine(Tree.Root, service.Groups["project"].Value);
        Assert.Single(Directory.EnumerateFiles(project, "*.csproj"));
    }

    [Fact]
    public void Actions_OfTheWorkflows_ArePinnedAndNeedNoSecrets()
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(Tree.Root, ".github", "workflows"), "*.yml"))
        {
            var text = File.ReadAllText(path);
            Assert.DoesNotContain("secrets.", text, StringComparison.Ordinal);
            Assert.Contains("\npermissions:\n  contents: read\n", text, StringComparison.Ordinal);
            Assert.Equal(2, text.Split(": write").Length);
            var actions = ActionPattern().Matches(text).Select(match => match.Groups["action"].Value).ToList();
            Assert.NotEmpty(actions);
            Assert.All(actions, action => Assert.Matches(PinnedPattern(), action));
        }
    }

    private static HashSet<string> Settings() => SettingPattern()
        .Matches(Template.Named("function-app").Json.GetProperty("variables").GetProperty("settings").GetString()!)
        .Select(match => match.Groups["name"].Value)
        .ToHashSet(StringComparer.Ordinal);

    private static string Section(string heading)
    {
        var section = Guide[Guide.IndexOf(heading, StringComparison.Ordinal)..];
        return section[..section.IndexOf("\n## ", StringComparison.Ordinal)];
    }

    private static string Variable(string parameter) => $"POLYPHONY_{HumpPattern().Replace(parameter, "_$0").ToUpperInvariant()}";

    [GeneratedRegex("(?<=[a-z])[A-Z](?=[a-z]|B)", RegexOptions.None, 1000)]
    private static partial Regex HumpPattern();

    [GeneratedRegex(@"(?<=""|')[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex IdPattern();

    [GeneratedRegex("%(?<name>[A-Z_]+)%", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PercentPattern();

    [GeneratedRegex(@"\bPOLYPHONY_[A-Z_]*[A-Z]", RegexOptions.None, 1000)]
    private static partial Regex VariablePattern();

    [GeneratedRegex(@"'(?<name>[A-Z]\w*)', ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SettingPattern();

    [GeneratedRegex(@"^services:\n(\s*#.*\n)?\s+(?<name>\w+):\n\s+project: (?<project>\S+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ServicePattern();

    [GeneratedRegex(@"uses: (?<action>.+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ActionPattern();

    [GeneratedRegex(@"^[\w-]+/[\w-]+(/[\w-]+)*@[0-9a-f]{40} # v[0-9]+(\.[0-9]+){2}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PinnedPattern();

    [GeneratedRegex("`(?<name>[^`]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CodePattern();
}
