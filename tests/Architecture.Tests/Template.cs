using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace Polyphony.Architecture.Tests;

/// <summary>A template of infra/ as Bicep's own compiler makes it: main.bicep, or one of the modules in it. Where there is no compiler, the test that asks is skipped.</summary>
internal sealed class Template
{
    private static readonly Lazy<(Template Main, string Warnings)?> Compilation = new(Compile);

    private Template(string name, JsonElement json)
    {
        Name = name;
        Json = json;
        var resources = json.GetProperty("resources");
        Resources = resources.ValueKind == JsonValueKind.Array ? [.. resources.EnumerateArray()] : [.. resources.EnumerateObject().Select(resource => resource.Value)];
        Defaults = Members("parameters").ToDictionary(
            parameter => parameter.Name,
            parameter => parameter.Value.TryGetProperty("defaultValue", out var value) ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText() : null,
            StringComparer.Ordinal);
    }

    public static string Folder { get; } = Path.Combine(Tree.Root, "infra");

    /// <summary>Gets the template with what the compiler said beside it, which is nothing if all is well.</summary>
    public static (Template Main, string Warnings) Compiled
    {
        get
        {
            Assert.SkipWhen(Compilation.Value is null, "No Bicep compiler: its package is for Linux on x64; elsewhere install `bicep` (https://aka.ms/bicep-install), so that it is in PATH.");
            return Compilation.Value!.Value;
        }
    }

    public static Template Main => Compiled.Main;

    /// <summary>Gets main.bicep and its modules.</summary>
    public static IReadOnlyList<Template> All =>
    [
        Main,
        .. Main.Resources
            .Where(resource => resource.GetProperty("type").ValueEquals("Microsoft.Resources/deployments"))
            .Select(resource => new Template(resource.GetProperty("name").GetString()!, resource.GetProperty("properties").GetProperty("template"))),
    ];

    /// <summary>Gets the name of the module, which is that of its file.</summary>
    public string Name { get; }

    public JsonElement Json { get; }

    public IReadOnlyList<JsonElement> Resources { get; }

    /// <summary>Gets the parameters with their defaults as text; <see langword="null"/> for those that have none.</summary>
    public IReadOnlyDictionary<string, string?> Defaults { get; }

    public static Template Named(string name) => All.Single(template => template.Name == name);

    public IEnumerable<JsonProperty> Members(string section) => Json.TryGetProperty(section, out var members) ? members.EnumerateObject() : [];

    private static (Template Main, string Warnings)? Compile()
    {
        if (Compiler() is not { } compiler)
        {
            return null;
        }

        var start = new ProcessStartInfo(compiler, ["build", "--stdout", Path.Combine(Folder, "main.bicep")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // It unpacks itself somewhere, and by default into a home that need not be there.
        start.Environment["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = Path.Combine(Tree.Root, "artifacts", "bicep");
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1";
        using var process = Process.Start(start)!;
        var warnings = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? (new Template("main", JsonElement.Parse(output)), warnings.Result)
            : throw new InvalidOperationException($"infra/main.bicep does not compile:\n{warnings.Result}");
    }

    // The one of the package, of the version that the project names; its path is set where the package is restored.
    private static string? Compiler()
    {
        if (typeof(Template).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().SingleOrDefault(data => data.Key == "Bicep")?.Value is { } package)
        {
            return package;
        }

        var name = OperatingSystem.IsWindows() ? "bicep.exe" : "bicep";
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
    }
}
