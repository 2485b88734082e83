using System.Globalization;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads entries of <c>agents</c> and <c>models</c>.</summary>
internal static class AgentReader
{
    private const int OfTheApp = 3;
    private static readonly TimeSpan LongestCall = TimeSpan.FromDays(1);

    public static ModelDefinition? ReadModel(MapReader parent, SourceEntry entry)
    {
        if (Open(parent, "models", entry, "model") is not { } map)
        {
            return null;
        }

        var provider = Provider(map);

        var model = map.Text("model");
        if (!map.Has("model") && provider is 0 or 1)
        {
            map.Missing("model", "the provider's name of the model or deployment", "Such as model: gpt-4.1-mini");
        }

        var definition = new ModelDefinition
        {
            Name = entry.Key,
            Provider = map.Text("provider") ?? "offline",
            Model = model,
            Endpoint = Endpoint(map),
            ApiKeyVariable = Variable(map),
            ApiVersion = ApiVersion(map, isAzure: provider is 1 or null),
            Dialect = DialectReader.Read(map, speaks: provider is not (2 or OfTheApp)),
            Temperature = map.Number("temperature", 0, 2),
            MaxOutputTokens = map.Int("maxOutputTokens", 1, 10_000_000),
            RequestsPerMinute = map.Int("requestsPerMinute", 1, 100_000_000),
            TokensPerMinute = map.Int("tokensPerMinute", 1, int.MaxValue),
            Fallback = Names(map, "fallback", "model"),
        };
        if (definition.Fallback.Contains(entry.Key))
        {
            map.Invalid("fallback", $"the model \"{entry.Key}\" is its own fallback", "Name other models.");
        }

        foreach (var limit in (string[])["requestsPerMinute", "tokensPerMinute"])
        {
            if (map.Has(limit))
            {
                map.Context.Warn("limit_per_process", map.PathOf(limit), map.KeyLocation(limit), $"\"{limit}\" holds for each process that calls the model, not for several together", "Divide it by the number of hosts that share the deployment.");
            }
        }

        if (definition.Temperature is { } temperature && temperature != ReasoningModels.Temperature && ReasoningModels.Fix(definition))
        {
            map.Context.Warn(
                "temperature_refused", map.PathOf("temperature"), map.KeyLocation("temperature"),
                $"OpenAI refuses every temperature but {ReasoningModels.Temperature} for \"{definition.Model}\", and the calls will fail", "Remove \"temperature\", or name a model that takes it.");
        }

        if (provider is OfTheApp)
        {
            foreach (var key in (string[])["endpoint", "apiKeyVariable"])
            {
                if (map.Has(key))
                {
                    map.Invalid(key, $"\"{key}\" is for the providers openai and azure-openai only", "Leave it out: the app that runs this has set its chat client up.");
                }
            }
        }

        const string keyHint = "Keys never stand in files: put the key into an environment variable and name that in \"apiKeyVariable\".";
        map.Explain("apiKey", keyHint);
        map.Explain("key", keyHint);
        map.Finish();
        return definition;
    }

    /// <summary>Reads the provider: one of Polyphony's own by its number, or <see cref="OfTheApp"/>. What is nearly one of the former is a slip.</summary>
    private static int? Provider(MapReader map)
    {
        (string, int)[] own = [("openai", 0), ("azure-openai", 1), ("offline", 2)];
        if (!map.Has("provider"))
        {
            map.Missing("provider", "openai, azure-openai or offline", "Without a key, use provider: offline.");
        }

        if (map.Value("provider") is not SourceScalar { Value: string name } || own.Any(each => each.Item1 == name)
            || (NearMatch.Find(name, own.Select(each => each.Item1)) is not null && !own.Any(each => name.Contains(each.Item1, StringComparison.Ordinal))))
        {
            return map.OneOf("provider", own);
        }

        if (!map.CheckName(map.PathOf("provider"), map.Value("provider")!.Location, name, "provider", NameRule.Other))
        {
            return null;
        }

        map.Context.Warn(
            "provider_of_app", map.PathOf("provider"), map.Value("provider")!.Location, $"\"{name}\" is none of Polyphony's own providers (openai, azure-openai, offline)",
            $"It runs in apps alone that have a chat client of this name: AddChatClient(\"{name}\", …).");
        return OfTheApp;
    }

    public static AgentDefinition? ReadAgent(MapReader parent, SourceEntry entry)
    {
        if (Open(parent, "agents", entry, "agent") is not { } map)
        {
            return null;
        }

        var model = map.Text("model");
        if (!map.Has("model"))
        {
            map.Missing("model", "the alias of a model of this file or of the host's settings", "Such as model: fast");
        }
        else if (model is not null)
        {
            map.CheckName(map.PathOf("model"), map.Value("model")!.Location, model, "model", NameRule.Other);
        }

        var (tools, rules) = ToolRulesReader.ReadTools(map);
        var agent = new AgentDefinition
        {
            Name = entry.Key,
            Model = model ?? "",
            Description = Description(map),
            Instructions = map.Template("instructions", ExpressionPlace.Agent, null),
            Output = map.Schema("output"),
            Tools = tools,
            ToolRules = rules,
            MaxToolRounds = map.Int("maxToolRounds", 1, 100) ?? AgentDefinition.DefaultMaxToolRounds,
            Timeout = map.Duration("timeout", max: LongestCall) ?? AgentDefinition.DefaultTimeout,
            Retry = LimitsReader.Retry(map),
            MaxWait = MaxWait(map) ?? AgentDefinition.DefaultMaxWait,
            OnTruncation = OnTruncation(map) ?? TruncationPolicy.Keep,
            Context = Filters(map),
        };
        map.Explain("prompt", "The prompt belongs to the node that runs the agent; what is always said goes into \"instructions\".");
        map.Finish();
        return agent;
    }

    private static string? Description(MapReader map)
    {
        var text = map.Text("description");
        if (text?.Length > AgentDefinition.LongestDescription)
        {
            map.Invalid("description", $"\"description\" has {text.Length:N0} characters; {AgentDefinition.LongestDescription} are the most", "Say in a sentence what the agent is for; the rest belongs in \"instructions\".");
        }

        return text;
    }

    /// <summary>Reads <c>maxWait</c> of an agent or of a node that runs one.</summary>
    public static TimeSpan? MaxWait(MapReader map) => map.Duration("maxWait", TimeSpan.Zero, LongestCall);

    /// <summary>Reads <c>onTruncation</c> of an agent or of a node that runs one.</summary>
    public static TruncationPolicy? OnTruncation(MapReader map) =>
        map.OneOf("onTruncation", ("keep", TruncationPolicy.Keep), ("fail", TruncationPolicy.Fail));

    private static MapReader? Open(MapReader parent, string section, SourceEntry entry, string what)
    {
        var path = ParseContext.Join(section, entry.Key);
        parent.CheckName(path, entry.KeyLocation, entry.Key, what, NameRule.Other);
        if (entry.Value is SourceMapping map)
        {
            return new MapReader(parent.Context, map, path, entry.KeyLocation);
        }

        parent.WrongTypeAt(path, entry.Value, $"the {what} \"{SourceValues.Shorten(entry.Key)}\"", "an object", $"Such as {entry.Key}: {{ {(what == "agent" ? "model: fast" : "provider: offline")} }}.");
        return null;
    }

    private static IReadOnlyList<string> Names(MapReader map, string key, string what)
    {
        var names = new List<string>();
        foreach (var name in map.Names(key))
        {
            if (!map.CheckName(map.PathOf(key), name.Location, name.Text, what, NameRule.Other))
            {
                continue;
            }

            if (names.Contains(name.Text))
            {
                map.Context.Error("invalid_value", map.PathOf(key), name.Location, $"\"{name.Text}\" is listed twice in \"{key}\"", "Keep one of them.");
            }
            else
            {
                names.Add(name.Text);
            }
        }

        return names;
    }

    private static Uri? Endpoint(MapReader map)
    {
        if (map.Text("endpoint") is not { } text)
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            map.Invalid("endpoint", $"\"{SourceValues.Shorten(text)}\" is no web address", "Such as https://example.com/v1");
            return null;
        }

        // The text itself is not repeated: it may hold a password.
        if (EndpointAddress.Problem(uri) is { } problem)
        {
            map.Invalid("endpoint", $"the address in \"endpoint\" {problem}", "Such as https://example.com/v1");
        }

        return uri;
    }

    public static string? Variable(MapReader map)
    {
        var name = map.Text("apiKeyVariable");
        if (name is null || (name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_') && !char.IsAsciiDigit(name[0]) && name.Length <= 128))
        {
            return name;
        }

        // The text itself is not repeated: it may be the key.
        map.Invalid("apiKeyVariable", "\"apiKeyVariable\" is no name of an environment variable", "It names the variable that holds the key, such as OPENAI_API_KEY; it is not the key.");
        return null;
    }

    /// <summary>Reads Azure OpenAI's api-version: a day, and perhaps a word such as <c>preview</c>. Which versions there are is for Azure to say.</summary>
    private static string? ApiVersion(MapReader map, bool isAzure)
    {
        if (map.Text("apiVersion") is not { } version)
        {
            return null;
        }

        if (!isAzure)
        {
            map.Invalid("apiVersion", "\"apiVersion\" is for the provider azure-openai only", "Leave it out, or use provider: azure-openai.");
        }
        else if (!IsApiVersion(version))
        {
            map.Invalid("apiVersion", $"\"{SourceValues.Shorten(version)}\" is no api-version of Azure OpenAI", "Such as 2024-10-21 or 2025-04-01-preview; without \"apiVersion\" the v1 API is used, which has none.");
        }
        else
        {
            return version;
        }

        return null;
    }

    private static bool IsApiVersion(string text)
    {
        const int dayLength = 10;
        return text.Length is >= dayLength and <= 40
            && DateOnly.TryParseExact(text.AsSpan(0, dayLength), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            && (text.Length == dayLength || (text[dayLength] == '-' && text.Length > dayLength + 1 && text.AsSpan(dayLength + 1).IndexOfAnyExceptInRange('a', 'z') < 0));
    }

    private static List<MessageFilter>? Filters(MapReader map)
    {
        var node = map.Value("context");
        if (node is null)
        {
            return null;
        }

        if (node is not SourceSequence list)
        {
            map.WrongType("context", node, "an array", "Such as [ { from: planner, last: 1 } ], or [] for no earlier messages.");
            return null;
        }

        var filters = new List<MessageFilter>();
        for (var i = 0; i < list.Items.Count; i++)
        {
            var path = $"{map.PathOf("context")}[{i}]";
            if (list.Items[i] is not SourceMapping item)
            {
                map.WrongTypeAt(path, list.Items[i], "each entry of \"context\"", "an object", "Such as { from: planner, last: 1 }.");
                continue;
            }

            var filter = new MapReader(map.Context, item, path, item.Location);
            filters.Add(new MessageFilter
            {
                From = filter.NodeOrAgent("from"),
                First = filter.Int("first", 1, 1_000_000),
                Last = filter.Int("last", 1, 1_000_000),
                Role = filter.OneOf("role", ("user", 0), ("assistant", 1), ("tool", 2)) is null ? null : filter.Text("role"),
            });
            filter.Finish();
        }

        return filters;
    }
}
