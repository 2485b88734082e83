using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Activities.Tools;

/// <summary>Reads entries of <c>servers</c> in the settings of tools, and checks those that come from code.</summary>
internal static class ToolServerReader
{
    private const string Example = "Such as { \"command\": \"npx\", \"args\": [\"-y\", \"some-server\"] } or { \"url\": \"https://example.com/mcp\" }.";
    private static readonly TimeSpan LongestCall = TimeSpan.FromDays(1);
    private static readonly string[] OfPrograms = ["args", "folder", "env", "passVariables"];
    private static readonly string[] OfAddresses = ["headers", "apiKeyVariable", "apiKeyHeader"];

    /// <summary>Reads a server.</summary>
    /// <param name="parent">The settings of tools.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>The server; not to be used if there are problems.</returns>
    public static ToolServer? Read(MapReader parent, SourceEntry entry)
    {
        var path = ParseContext.Join(parent.PathOf("servers"), entry.Key);
        ToolSettings.CheckName(parent, path, entry, "tool server");
        if (entry.Value is not SourceMapping mapping)
        {
            parent.WrongTypeAt(path, entry.Value, $"the tool server \"{SourceValues.Shorten(entry.Key)}\"", "an object", Example);
            return null;
        }

        var map = new MapReader(parent.Context, mapping, path, entry.KeyLocation);
        CheckKind(map);
        var server = new ToolServer
        {
            Command = map.Text("command"),
            Arguments = [.. map.Names("args").Select(name => name.Text)],
            Folder = map.Text("folder"),
            Environment = Texts(map, "env"),
            PassVariables = [.. map.Names("passVariables").Select(name => name.Text)],
            Url = Url(map),
            Headers = Texts(map, "headers"),
            ApiKeyVariable = AgentReader.Variable(map),
            ApiKeyHeader = map.Text("apiKeyHeader") ?? ToolServer.DefaultApiKeyHeader,
            Timeout = map.Duration("timeout", max: LongestCall),
            MaxBytes = map.Int("maxBytes", 1, ToolServer.LargestMaxBytes) ?? ToolServer.DefaultMaxBytes,
            Idempotent = [.. map.Names("idempotent").Select(name => name.Text)],
        };
        foreach (var name in server.Headers.Keys.Append(server.ApiKeyHeader).Where(name => !IsHeader(name)))
        {
            map.Invalid("headers", $"\"{SourceValues.Shorten(name)}\" is no name of a header");
        }

        map.Explain("apiKey", "Keys never stand in files: put the key into an environment variable and name that in \"apiKeyVariable\".");
        map.Finish();
        return server;
    }

    /// <summary>Finds what is wrong with a server that comes from code.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="server">The server.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static void Check(string name, ToolServer server, ICollection<string> problems)
    {
        Require(ToolSettings.IsName(name), "its name must be a letter, then letters, digits, \"_\" and \"-\", at most 32 in all");
        Require((server.Command is null) != (server.Url is null), "it must have either Command or Url");
        Require(server.Url is null || (server.Url.IsAbsoluteUri && server.Url.Scheme is "http" or "https"), "Url must be an http or https address");
        Require(server.Timeout is null || (server.Timeout > TimeSpan.Zero && server.Timeout <= LongestCall), "Timeout must be above zero and at most 1 day");
        Require(server.MaxBytes is > 0 and <= ToolServer.LargestMaxBytes, $"MaxBytes must be 1 to {ToolServer.LargestMaxBytes:N0}");
        Require(server.Headers.Keys.Append(server.ApiKeyHeader).All(IsHeader), "a name of a header is none");

        void Require(bool holds, string what)
        {
            if (!holds)
            {
                problems.Add($"The tool server \"{name}\": {what}.");
            }
        }
    }

    private static void CheckKind(MapReader map)
    {
        if (map.Has("command") == map.Has("url"))
        {
            map.Context.Error(
                "tool_server_kind", map.Path, map.Location, $"a tool server has either \"command\" or \"url\", {(map.Has("url") ? "not both" : "and this has neither")}", Example);
            return;
        }

        foreach (var key in (map.Has("command") ? OfAddresses : OfPrograms).Where(map.Has))
        {
            map.NotApplicable(key, $"\"{key}\" has no effect on a server with \"{(map.Has("command") ? "command" : "url")}\"", "Remove it.");
        }
    }

    private static Dictionary<string, string> Texts(MapReader map, string key)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.Named(key, $"Such as \"{key}\": {{ \"NAME\": \"value\" }}."))
        {
            if (entry.Value is SourceScalar { Value: string text } && !text.AsSpan().ContainsAnyInRange('\0', '\x1f'))
            {
                texts[entry.Key] = text;
            }
            else
            {
                map.WrongTypeAt(ParseContext.Join(map.PathOf(key), entry.Key), entry.Value, $"\"{SourceValues.Shorten(entry.Key)}\"", "a string without control characters");
            }
        }

        return texts;
    }

    private static Uri? Url(MapReader map)
    {
        if (map.Text("url") is not { } text)
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0 || url.Fragment.Length > 0)
        {
            // The text itself is not repeated: it may hold a password.
            map.Invalid("url", "\"url\" is no http or https address without a user and a fragment", "Such as https://example.com/mcp");
            return null;
        }

        return url;
    }

    private static bool IsHeader(string name) => name == ToolServer.DefaultApiKeyHeader || HttpToolReader.HeaderProblem(name) is null;
}
