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
    public void Declarations_OfEveryFile_HaveDescriptions()
    {
        var bare = BicepFile.All.SelectMany(file => file.Parameters
            .Select(parameter => (parameter.Name, parameter.Decorators))
            .Concat(file.Outputs)
            .Where(declaration => !declaration.Decorators.Contains("@description('", StringComparison.Ordinal))
            .Select(declaration => $"{file.Name}: {declaration.Name}"));
        Assert.Empty(bare);
        // The count says that the reader has not passed over any.
        Assert.All(BicepFile.All, file => Assert.Equal(Regex.Count(file.Text, "^param ", RegexOptions.Multiline), file.Parameters.Count));
    }

    [Fact]
    public void Numbers_OfEveryFile_AreBounded()
    {
        var open = BicepFile.All.SelectMany(file => file.Parameters
            .Where(parameter => parameter.Type == "int")
            .Where(parameter => !parameter.Decorators.Contains("@allowed(", StringComparison.Ordinal)
                && !(parameter.Decorators.Contains("@minValue(", StringComparison.Ordinal) && parameter.Decorators.Contains("@maxValue(", StringComparison.Ordinal)))
            .Select(parameter => $"{file.Name}: {parameter.Name}"));
        Assert.Empty(open);
    }

    [Fact]
    public void Modules_ThatMainCalls_GetExactlyTheirParameters()
    {
        var files = BicepFile.All.ToDictionary(file => file.Name, StringComparer.Ordinal);
        Assert.Equal(Regex.Count(BicepFile.Main.Text, "^module ", RegexOptions.Multiline), BicepFile.Main.Modules.Count);
        foreach (var module in BicepFile.Main.Modules)
        {
            Assert.True(files.TryGetValue(module.Path, out var file), $"main.bicep calls {module.Path}, which is not there.");
            Assert.Equal(file!.Parameters.Select(parameter => parameter.Name).Order(StringComparer.Ordinal), module.Arguments.Order(StringComparer.Ordinal));
        }

        Assert.Equal(files.Keys.Where(name => name != "main.bicep").Order(StringComparer.Ordinal), BicepFile.Main.Modules.Select(module => module.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Outputs_ThatMainReads_Exist()
    {
        var paths = BicepFile.Main.Modules.ToDictionary(module => module.Symbol, module => module.Path, StringComparer.Ordinal);
        var files = BicepFile.All.ToDictionary(file => file.Name, StringComparer.Ordinal);
        var reads = OutputReadPattern().Matches(BicepFile.Main.Text);
        Assert.NotEmpty(reads);
        Assert.All(reads, read => Assert.Contains(
            files[paths[read.Groups["module"].Value]].Outputs,
            output => output.Name == read.Groups["output"].Value));
    }

    [Fact]
    public void Files_OfInfra_HaveNoKeysInThem()
    {
        string[] forbidden =
        [
            "listKeys", "listAccountSas", "listServiceSas", "listConnectionStrings", "listCredentials", "primaryKey", "AccountKey=", "SharedAccessSignature", "InstrumentationKey",
            "allowSharedKeyAccess: true", "allowBlobPublicAccess: true", "disableLocalAuth: false", "DisableLocalAuth: false", "StorageAccountConnectionString", "@secure(", "AZURE_OPENAI_API_KEY",
        ];
        var found = Directory.EnumerateFiles(BicepFile.Folder, "*", SearchOption.AllDirectories)
            .SelectMany(path => forbidden.Where(File.ReadAllText(path).Contains).Select(word => $"{Path.GetFileName(path)}: {word}"));
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("modules/storage.bicep", "Microsoft.Storage/storageAccounts@", "allowSharedKeyAccess: false")]
    [InlineData("modules/openai.bicep", "Microsoft.CognitiveServices/accounts@", "disableLocalAuth: true")]
    [InlineData("modules/monitoring.bicep", "Microsoft.Insights/components@", "DisableLocalAuth: true")]
    public void Resources_WithKeysOfTheirOwn_TakeIdentitiesOnly(string module, string resource, string property)
    {
        var text = BicepFile.All.Single(file => file.Name == module).Text;
        Assert.Contains(property, text[text.IndexOf(resource, StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void MainParameters_OfAzd_AreThoseOfMainWithTheSameDefaults()
    {
        // azd takes an empty text for no answer, so each default stands in both files and must be the same in both.
        var expected = BicepFile.Main.Parameters.ToDictionary(
            parameter => parameter.Name,
            parameter => parameter.Name switch
            {
                "environmentName" => "${AZURE_ENV_NAME}",
                "location" => "${AZURE_LOCATION}",
                _ => $"${{{Variable(parameter.Name)}={parameter.Default}}}",
            },
            StringComparer.Ordinal);
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(BicepFile.Folder, "main.parameters.json")));
        var actual = document.RootElement.GetProperty("parameters").EnumerateObject()
            .ToDictionary(property => property.Name, property => property.Value.GetProperty("value").GetString()!, StringComparer.Ordinal);
        Assert.Equal(expected.OrderBy(pair => pair.Key, StringComparer.Ordinal), actual.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Parameters_OfMain_AreInTheGuideWithTheirDefaults()
    {
        foreach (var parameter in BicepFile.Main.Parameters.Where(parameter => parameter.Name is not ("environmentName" or "location")))
        {
            var value = parameter.Default is "" ? "" : $"`{parameter.Default}`";
            Assert.Contains($"| `{Variable(parameter.Name)}` | {value}", Guide, StringComparison.Ordinal);
        }

        var known = BicepFile.Main.Parameters.Select(parameter => Variable(parameter.Name)).Append("POLYPHONY_SETTINGS").ToHashSet(StringComparer.Ordinal);
        Assert.Subset(known, VariablePattern().Matches(Guide).Select(match => match.Value).ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public void Settings_OfTheApp_AreThoseOfTheGuide()
    {
        var text = BicepFile.All.Single(file => file.Name == "modules/function-app.bicep").Text;
        var settings = text[text.IndexOf("var settings =", StringComparison.Ordinal)..text.IndexOf("resource plan", StringComparison.Ordinal)];
        var set = SettingPattern().Matches(settings).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var section = Guide[Guide.IndexOf("## Settings of the app", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", StringComparison.Ordinal)];
        var described = CodePattern().Matches(string.Join('\n', section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|')[1])))
            .Select(match => match.Groups["name"].Value);
        Assert.Equal(described.Order(StringComparer.Ordinal), set.Order(StringComparer.Ordinal));
        Assert.Contains(AzureOpenAIProvider.EndpointVariable, set);
        Assert.Contains("POLYPHONY_SETTINGS", File.ReadAllText(Path.Combine(Tree.Root, "docs", "models.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void AzureYaml_OfTheRepository_NamesAProjectAndItsService()
    {
        var yaml = File.ReadAllText(Path.Combine(Tree.Root, "azure.yaml"));
        var service = ServicePattern().Match(yaml);
        Assert.True(service.Success, "azure.yaml has no service with a project.");
        var name = service.Groups["name"].Value;
        Assert.Contains($"serviceName: '{name}'", BicepFile.Main.Text, StringComparison.Ordinal);
        Assert.Contains(BicepFile.Main.Outputs, output => output.Name == $"SERVICE_{name.ToUpperInvariant()}_NAME");
        Assert.True(File.Exists(Path.Combine(BicepFile.Folder, "main.bicep")));
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

    private static string Variable(string parameter) => $"POLYPHONY_{HumpPattern().Replace(parameter, "_$0").ToUpperInvariant()}";

    [GeneratedRegex("(?<=[a-z])[A-Z](?=[a-z]|B)", RegexOptions.None, 1000)]
    private static partial Regex HumpPattern();

    [GeneratedRegex(@"\b(?<module>\w+)!?\.outputs\.(?<output>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OutputReadPattern();

    [GeneratedRegex(@"\bPOLYPHONY_[A-Z_]*[A-Z]", RegexOptions.None, 1000)]
    private static partial Regex VariablePattern();

    [GeneratedRegex(@"(?<![\w'$.])(?<name>[A-Z]\w*): ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SettingPattern();

    [GeneratedRegex(@"^services:\n(\s*#.*\n)?\s+(?<name>\w+):\n\s+project: (?<project>\S+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ServicePattern();

    [GeneratedRegex(@"uses: (?<action>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ActionPattern();

    [GeneratedRegex(@"^[\w-]+/[\w-]+@(v[0-9]+|[0-9a-f]{40})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PinnedPattern();

    [GeneratedRegex("`(?<name>[^`]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CodePattern();
}
