using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Polyphony.Engine;
using Polyphony.Expressions;

namespace Polyphony.Hosting.Settings;

/// <summary>
/// Reads the configuration section into <see cref="PolyphonyOptions"/>. Problems are collected there for the validation at start: values of the wrong kind, and keys that nobody reads.
/// </summary>
/// <param name="section">The section.</param>
/// <param name="options">The options.</param>
internal sealed class SectionReader(IConfigurationSection section, PolyphonyOptions options)
{
    private const string Models = "models";
    private const string AllowedEndpoints = "allowedEndpoints";
    private const string Prices = "prices";
    private const string Tools = "tools";

    private static readonly Dictionary<string, Action<SectionReader, IConfigurationSection>> Readers = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(PolyphonyOptions.DataFolder)] = static (reader, value) => reader.Text(value, (options, text) => options.DataFolder = text),
        [nameof(PolyphonyOptions.InMemory)] = static (reader, value) => reader.Flag(value, (options, flag) => options.InMemory = flag),
        [nameof(PolyphonyOptions.WorkflowFolders)] = static (reader, value) => reader.List(value, (options, text) => options.WorkflowFolders.Add(text)),
        [nameof(PolyphonyOptions.FilesFolder)] = static (reader, value) => reader.Text(value, (options, text) => options.FilesFolder = text),
        [nameof(PolyphonyOptions.SettingsFile)] = static (reader, value) => reader.Text(value, (options, text) => options.SettingsFile = text),
        [nameof(PolyphonyOptions.MaxConcurrentActivities)] = static (reader, value) => reader.Int(value, (options, number) => options.MaxConcurrentActivities = number),
        [nameof(PolyphonyOptions.MaxLiveInstances)] = static (reader, value) => reader.Int(value, (options, number) => options.MaxLiveInstances = number),
        [nameof(PolyphonyOptions.MaxUnfinishedInstances)] = static (reader, value) => reader.Int(value, (options, number) => options.MaxUnfinishedInstances = number),
        [nameof(PolyphonyOptions.MaxUnfinishedPerWorkflow)] = static (reader, value) => reader.Map(value, (options, name, number) => options.MaxUnfinishedPerWorkflow[name] = number),
        [nameof(PolyphonyOptions.Durability)] = static (reader, value) => reader.Choice<Durability>(value, (options, choice) => options.Durability = choice),
        [nameof(PolyphonyOptions.StopTimeout)] = static (reader, value) => reader.Duration(value, (options, time) => options.StopTimeout = time),
        [nameof(PolyphonyOptions.ToolTimeout)] = static (reader, value) => reader.Duration(value, (options, time) => options.ToolTimeout = time),
        [nameof(PolyphonyOptions.PayloadCacheBytes)] = static (reader, value) => reader.Long(value, (options, number) => options.PayloadCacheBytes = number),
        [nameof(PolyphonyOptions.Paused)] = static (reader, value) => reader.Flag(value, (options, flag) => options.Paused = flag),
        [nameof(PolyphonyOptions.RunSchedules)] = static (reader, value) => reader.Flag(value, (options, flag) => options.RunSchedules = flag),
        [nameof(PolyphonyOptions.ApiKey)] = static (reader, value) => reader.Text(value, (options, text) => options.ApiKey = text),
        [nameof(PolyphonyOptions.MaxBodyBytes)] = static (reader, value) => reader.Int(value, (options, number) => options.MaxBodyBytes = number),
        [nameof(PolyphonyOptions.MaxUploadBytes)] = static (reader, value) => reader.Long(value, (options, number) => options.MaxUploadBytes = number),
        [nameof(PolyphonyOptions.Heartbeat)] = static (reader, value) => reader.Duration(value, (options, time) => options.Heartbeat = time),
        [nameof(PolyphonyOptions.AllowInlineDefinitions)] = static (reader, value) => reader.Flag(value, (options, flag) => options.AllowInlineDefinitions = flag),
        [nameof(PolyphonyOptions.OpenApiPath)] = static (reader, value) => reader.Text(value, (options, text) => options.OpenApiPath = text),
        [Models] = static (reader, value) => reader.Model(Models, ModelSection.Read(value, isNamed: true)),
        [AllowedEndpoints] = static (reader, value) => reader.Model(AllowedEndpoints, ModelSection.Read(value)),
        [Prices] = static (reader, value) => reader.Model(Prices, ModelSection.Read(value)),
        [Tools] = static (reader, value) => reader.Model(Tools, ModelSection.Read(value)),
    };

    private readonly JsonObject _models = [];

    /// <summary>Reads the section.</summary>
    public void Read()
    {
        foreach (var child in section.GetChildren())
        {
            if (Readers.TryGetValue(child.Key, out var read))
            {
                read(this, child);
            }
            else
            {
                options.Problems.Add($"{child.Path} is not a setting of Polyphony. {NearMatch.Hint(child.Key, Readers.Keys) ?? $"Known are {string.Join(", ", Readers.Keys)}."}");
            }
        }

        if (section.Value is { Length: > 0 })
        {
            options.Problems.Add($"{section.Path} is a single value; expected a section, such as {section.Path}:DataFolder. Correct it in the configuration.");
        }

        options.Section = _models.Count > 0 ? new ModelSection(section.Path, _models) : null;
    }

    private void Model(string key, JsonNode? value)
    {
        if (value is not null)
        {
            _models[key] = value;
        }
    }

    // As in the environment of the tool, an empty text is none.
    private void Text(IConfigurationSection value, Action<PolyphonyOptions, string> set)
    {
        if (value.GetChildren().Any())
        {
            Problem(value, "one value", "a section");
        }
        else if (value.Value is { Length: > 0 } text)
        {
            set(options, text);
        }
    }

    private void List(IConfigurationSection value, Action<PolyphonyOptions, string> add)
    {
        if (value.Value is { Length: > 0 } single)
        {
            add(options, single);
        }

        foreach (var child in value.GetChildren())
        {
            Text(child, add);
        }
    }

    private void Flag(IConfigurationSection value, Action<PolyphonyOptions, bool> set) => Parse<bool>(value, "true or false", bool.TryParse, set);

    private void Int(IConfigurationSection value, Action<PolyphonyOptions, int> set) =>
        Parse(value, "a whole number", (string text, out int number) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number), set);

    private void Map(IConfigurationSection value, Action<PolyphonyOptions, string, int> set)
    {
        if (value.Value is { Length: > 0 } single)
        {
            options.Problems.Add($"{value.Path} must be a section with a whole number for each workflow, such as {value.Path}:review; found \"{single}\". Correct it in the configuration.");
        }

        foreach (var child in value.GetChildren())
        {
            Int(child, (options, number) => set(options, child.Key, number));
        }
    }

    private void Long(IConfigurationSection value, Action<PolyphonyOptions, long> set) =>
        Parse(value, "a whole number", (string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number), set);

    private void Duration(IConfigurationSection value, Action<PolyphonyOptions, TimeSpan> set) => Parse(
        value,
        "a duration such as 30s or 00:00:30",
        (string text, out TimeSpan time) => Core.Definitions.Duration.TryParse(text, out time) || (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time)),
        set);

    private void Choice<T>(IConfigurationSection value, Action<PolyphonyOptions, T> set)
        where T : struct, Enum => Parse(
            value,
            $"one of {string.Join(", ", Enum.GetNames<T>())}",
            (string text, out T choice) => Enum.TryParse(text, ignoreCase: true, out choice) && Enum.GetNames<T>().Contains(text, StringComparer.OrdinalIgnoreCase),
            set);

    private void Parse<T>(IConfigurationSection value, string expected, TryParse<T> parse, Action<PolyphonyOptions, T> set) => Text(value, (options, text) =>
    {
        if (parse(text, out var parsed))
        {
            set(options, parsed);
        }
        else
        {
            Problem(value, expected, $"\"{text}\"");
        }
    });

    private void Problem(IConfigurationSection value, string expected, string found) =>
        options.Problems.Add($"{value.Path} must be {expected}; found {found}. Correct it in the configuration.");

    private delegate bool TryParse<T>(string text, out T value);
}
