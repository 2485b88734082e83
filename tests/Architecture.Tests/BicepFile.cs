using System.Text.RegularExpressions;

namespace Polyphony.Architecture.Tests;

/// <summary>
/// What a Bicep file of infra/ declares. It is read by its layout (declarations begin in the first column, parameters of a module in the fifth), which is
/// that of Bicep's own formatter; whether the file compiles is for the compiler to say.
/// </summary>
internal sealed partial class BicepFile
{
    private BicepFile(string path)
    {
        Path = path;
        Text = File.ReadAllText(path).ReplaceLineEndings("\n");
        Parameters = [.. ParameterPattern().Matches(Text).Select(match => new Parameter(
            match.Groups["name"].Value,
            match.Groups["type"].Value,
            match.Groups["default"].Success ? match.Groups["default"].Value.Trim('\'') : null,
            match.Groups["decorators"].Value))];
        Outputs = [.. OutputPattern().Matches(Text).Select(match => (match.Groups["name"].Value, match.Groups["decorators"].Value))];
        Modules = [.. ModulePattern().Matches(Text).Select(match => new Module(
            match.Groups["symbol"].Value,
            match.Groups["path"].Value,
            [.. ArgumentPattern().Matches(match.Groups["params"].Value).Select(argument => argument.Groups["name"].Value)]))];
    }

    public static string Folder { get; } = System.IO.Path.Combine(Tree.Root, "infra");

    public static BicepFile Main { get; } = new(System.IO.Path.Combine(Folder, "main.bicep"));

    public static IReadOnlyList<BicepFile> All { get; } =
        [.. Directory.EnumerateFiles(Folder, "*.bicep", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => new BicepFile(path))];

    public string Path { get; }

    /// <summary>Gets the path as modules are named in main.bicep.</summary>
    public string Name => System.IO.Path.GetRelativePath(Folder, Path).Replace('\\', '/');

    public string Text { get; }

    public IReadOnlyList<Parameter> Parameters { get; }

    public IReadOnlyList<(string Name, string Decorators)> Outputs { get; }

    public IReadOnlyList<Module> Modules { get; }

    [GeneratedRegex(@"(?<decorators>(?:^@.*\n(?:^(?:[ \])}].*)?\n)*)*)^param (?<name>\w+) (?<type>\S+|\([^)]*\)\[\])(?: = (?<default>.*))?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ParameterPattern();

    [GeneratedRegex(@"(?<decorators>(?:^@.*\n)*)^output (?<name>\w+) ", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex OutputPattern();

    [GeneratedRegex(@"^module (?<symbol>\w+) '(?<path>[^']+)'.*\n(?:(?!^  params:|^}).*\n)*^  params: \{\n(?<params>(?:^    .*\n)*)^  }", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ModulePattern();

    [GeneratedRegex(@"^    (?<name>\w+):", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ArgumentPattern();

    internal sealed record Parameter(string Name, string Type, string? Default, string Decorators);

    internal sealed record Module(string Symbol, string Path, IReadOnlyList<string> Arguments);
}
