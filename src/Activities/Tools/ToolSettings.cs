using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Activities.Tools;

/// <summary>What the settings of a host say of tools: <c>{"allowedEndpoints":[…],"servers":{…},"files":{…}}</c>.</summary>
internal sealed partial record ToolSettings
{
    /// <summary>Gets settings that allow nothing.</summary>
    public static ToolSettings None { get; } = new();

    /// <summary>Gets what HTTP tools of workflows may call.</summary>
    public ImmutableArray<AllowedToolEndpoint> Endpoints { get; init; } = [];

    /// <summary>Gets the servers by name.</summary>
    public IReadOnlyDictionary<string, ToolServer> Servers { get; init; } = new SortedDictionary<string, ToolServer>(StringComparer.Ordinal);

    /// <summary>Gets the folders that file tools may read, by the names that stand before paths in them.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Reads the section <c>tools</c>.</summary>
    /// <param name="map">The section.</param>
    /// <returns>The settings; not to be used if there are problems.</returns>
    public static ToolSettings Read(MapReader map)
    {
        var endpoints = ModelAliases.ReadEndpoints(map, static (entry, allowed) =>
            new AllowedToolEndpoint(allowed.Pattern, allowed.ApiKeyVariable, SourceValues.Flag(entry, "privateNetwork") ?? false)).ToImmutableArray();
        var servers = new SortedDictionary<string, ToolServer>(StringComparer.Ordinal);
        foreach (var entry in map.Named("servers", "Such as \"servers\": { \"search\": { \"url\": \"https://example.com/mcp\" } }."))
        {
            if (ToolServerReader.Read(map, entry) is { } server)
            {
                servers[entry.Key] = server;
            }
        }

        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.Named("files", "Such as \"files\": { \"docs\": \"/srv/docs\" }."))
        {
            var path = ParseContext.Join(map.PathOf("files"), entry.Key);
            CheckName(map, path, entry, "folder");
            if (entry.Value is SourceScalar { Value: string { Length: > 0 } folder } && !folder.Contains('\0'))
            {
                files[entry.Key] = folder;
            }
            else
            {
                map.WrongTypeAt(path, entry.Value, $"the folder \"{SourceValues.Shorten(entry.Key)}\"", "a path", "Such as /srv/docs.");
            }
        }

        map.Finish();
        return new ToolSettings { Endpoints = endpoints, Servers = servers, Files = files };
    }

    /// <summary>Tells whether a text can be the name of a server or of a folder: what stands before the first dot of a tool, or before the first slash of a path.</summary>
    /// <param name="name">The text.</param>
    public static bool IsName(string name) => Name().IsMatch(name);

    /// <summary>Makes full paths of those that begin in a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The settings with full paths.</returns>
    public ToolSettings Below(string folder) => this with
    {
        Files = new SortedDictionary<string, string>(Files.ToDictionary(each => each.Key, each => Path.GetFullPath(each.Value, folder), StringComparer.Ordinal), StringComparer.Ordinal),
        Servers = new SortedDictionary<string, ToolServer>(
            Servers.ToDictionary(each => each.Key, each => each.Value with { Folder = each.Value.Folder is { } start ? Path.GetFullPath(start, folder) : null }, StringComparer.Ordinal), StringComparer.Ordinal),
    };

    /// <summary>Adds other settings.</summary>
    /// <param name="other">The others.</param>
    /// <param name="problems">Takes what is in both.</param>
    /// <returns>All of them.</returns>
    public ToolSettings With(ToolSettings other, ICollection<string> problems)
    {
        return new ToolSettings { Endpoints = Endpoints.AddRange(other.Endpoints), Servers = Join(Servers, other.Servers, "tool server"), Files = Join(Files, other.Files, "folder of files") };

        SortedDictionary<string, T> Join<T>(IReadOnlyDictionary<string, T> first, IReadOnlyDictionary<string, T> second, string what)
        {
            var all = new SortedDictionary<string, T>(first.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal);
            foreach (var (name, value) in second)
            {
                if (!all.TryAdd(name, value))
                {
                    problems.Add($"The {what} \"{name}\" is named in two places. Keep one of the two.");
                }
            }

            return all;
        }
    }

    /// <summary>Reports a name that is none.</summary>
    internal static void CheckName(MapReader map, string path, SourceEntry entry, string what)
    {
        if (!IsName(entry.Key))
        {
            map.Context.Error("invalid_name", path, entry.KeyLocation, $"\"{SourceValues.Shorten(entry.Key)}\" is no name of a {what}", "Use a letter, then letters, digits, \"_\" and \"-\", at most 32 in all.");
        }
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,31}\\z", RegexOptions.None, 1000)]
    private static partial Regex Name();
}
