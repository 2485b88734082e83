using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Xml.Linq;

namespace Polyphony.Packages.Tests;

/// <summary>The packages, made once of what was built, and apps that are restored from them.</summary>
public sealed class PackageFolder : IAsyncLifetime
{
    private static readonly string[] Projects = ["Expressions", "Core", "Activities", "Engine", "Http", "Hosting", "DurableFunctions", "Testing", "Cli"];

    // The worker SDK's project of host extensions imports its targets from the packages folder, and does not look into the others.
    private const string ImportedFromTheFolder = "microsoft.azure.webjobs.script.extensionsmetadatagenerator";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-packages-");

    public static string Root { get; } = FindRoot();

    public string Packages => Path.Combine(_folder.FullName, "packages");

    public string Version => Path.GetFileNameWithoutExtension(Find("Polyphony.Core"))["Polyphony.Core.".Length..];

    public async ValueTask InitializeAsync()
    {
        var configuration = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => each.Key == "Configuration").Value!;
        foreach (var project in Projects)
        {
            await RunAsync("dotnet", Root, "pack", Path.Combine("src", project), "-c", configuration, "--no-build", "-v", "q", "--nologo", "-o", Packages);
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Gets the version of a package of others that this repository takes.</summary>
    public static string VersionOf(string package) => XDocument.Load(Path.Combine(Root, "Directory.Packages.props"))
        .Descendants("PackageVersion").Single(each => each.Attribute("Include")!.Value == package).Attribute("Version")!.Value;

    public string Find(string id) =>
        Directory.GetFiles(Packages, $"{id}.*.nupkg").Single(file => char.IsAsciiDigit(Path.GetFileName(file)[id.Length + 1]));

    /// <summary>Makes an app outside of this repository that takes the packages from the folder, and all others from where this repository does. What its build says is in <c>build.log</c>.</summary>
    public async Task<string> CreateAsync(string name, string project, params (string Path, string Text)[] files)
    {
        var app = Directory.CreateDirectory(Path.Combine(_folder.FullName, name)).FullName;

        // What others restored before is used where it is; ours must come from the folder.
        var cache = (await RunAsync("dotnet", Root, "nuget", "locals", "global-packages", "--list")).Split("global-packages:")[1].Trim();
        Copy(Path.Combine(cache, ImportedFromTheFolder), Path.Combine(_folder.FullName, "restored", ImportedFromTheFolder));
        File.WriteAllText(Path.Combine(app, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="polyphony" value="{Packages}" /></packageSources>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_folder.FullName, "restored")}" /></config>
              <fallbackPackageFolders><add key="others" value="{cache}" /></fallbackPackageFolders>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(app, "app.csproj"), project.Replace("VERSION", Version, StringComparison.Ordinal));
        foreach (var (path, text) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(app, path))!);
            File.WriteAllText(Path.Combine(app, path), text);
        }

        File.WriteAllText(Path.Combine(app, "build.log"), await RunAsync("dotnet", app, "build", "-v", "q", "--nologo", "-o", Path.Combine(app, "out")));
        return app;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var text = new StringBuilder();
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{text}");
        return text.ToString();

        void Hear(string? line)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("No Functions.sln above the tests.");
        }

        return folder.FullName;
    }
}
