using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers;

/// <summary>
/// The models and prices of a host, the addresses that workflows may name, and where tools come from:
/// <c>{"models":{…},"allowedEndpoints":[…],"tools":{…},"prices":{"asOf":…,"models":{…}}}</c>. No secrets: a model names the environment variable of its key.
/// </summary>
/// <param name="Models">The models by alias.</param>
/// <param name="Endpoints">Which addresses workflows may name.</param>
/// <param name="Prices">The prices: those of the settings, and the list prices that come with the program.</param>
internal sealed record ModelSettings(IReadOnlyDictionary<string, ModelDefinition> Models, EndpointPolicy Endpoints, PriceTable Prices)
{
    /// <summary>Gets what in the settings is probably not meant.</summary>
    public IReadOnlyList<WorkflowProblem> Warnings { get; init; } = [];

    /// <summary>Gets where tools come from. Which addresses they may call is in <see cref="Endpoints"/> as well.</summary>
    public ToolSettings Tools { get; init; } = ToolSettings.None;

    /// <summary>Gets those of <see cref="Prices"/> that the settings themselves give.</summary>
    public PriceTable OwnPrices { get; init; } = PriceTable.Empty;

    /// <summary>Logs the warnings.</summary>
    /// <param name="loggerFactory">Makes the logger.</param>
    public void LogWarnings(ILoggerFactory loggerFactory)
    {
        var log = loggerFactory.ForActivities();
        foreach (var warning in Warnings)
        {
            log.SettingsWarning(warning.ToString());
        }
    }

    /// <summary>Reads a settings file.</summary>
    /// <param name="file">The file, JSON; <see langword="null"/>: no models, and list prices.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="PolyphonyException">The file cannot be read or is not valid; the message lists everything that is wrong.</exception>
    public static ModelSettings Read(string? file)
    {
        if (file is null)
        {
            return new ModelSettings(new Dictionary<string, ModelDefinition>(), EndpointPolicy.Default, PriceTable.Shipped);
        }

        string text;
        try
        {
            var bytes = File.ReadAllBytes(file);
            if (StrictJson.FindEncodingProblem(bytes) is { } problem)
            {
                throw Invalid($"The settings file \"{file}\" cannot be read as text: {problem}. Save it as UTF-8.");
            }

            text = Encoding.UTF8.GetString(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid($"The settings file \"{file}\" cannot be read: {e.Message} Correct POLYPHONY_SETTINGS, or leave it out.");
        }

        return Parse(text, file, isFile: true);
    }

    /// <summary>Reads settings that stand in no file of their own, such as those of an app's configuration.</summary>
    /// <param name="json">The settings, in the form of a settings file.</param>
    /// <param name="origin">Where they come from, for messages; places are named by their path, not by line and column.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="PolyphonyException"><c>settings_invalid</c>: they are not valid; the message lists everything that is wrong, each on a line.</exception>
    public static ModelSettings Parse(string json, string origin) => Parse(json, origin, isFile: false);

    private static ModelSettings Parse(string text, string origin, bool isFile)
    {
        var source = JsonSource.Read(text, origin);
        if (source.Root is null)
        {
            throw Invalid(string.Join(Environment.NewLine, source.Problems.Select(Placed)));
        }

        var tools = ToolSettings.None;
        var aliases = ModelAliases.Parse(source.Root, origin, map => tools = ToolSettings.Read(map), "prices");
        List<object> problems = [.. aliases.Problems.Select(Placed)];
        var prices = PriceTable.Empty;
        try
        {
            // A key written twice is among the problems already.
            if (problems.Count == 0 && JsonElement.Parse(text.TrimStart('\uFEFF'), JsonLimits.Document).TryGetProperty("prices", out var table))
            {
                prices = PriceTable.Parse(table);
            }
        }
        catch (PolyphonyException e)
        {
            problems.Add($"{origin}: {e.Message} [{e.Code}]");
        }

        return problems.Count == 0
            ? new ModelSettings(aliases.Models, aliases.Endpoints, PriceTable.Shipped.With(prices)) { OwnPrices = prices, Warnings = [.. aliases.Warnings.Select(Placed)] }
                .With(isFile ? tools.Below(Path.GetDirectoryName(Path.GetFullPath(origin))!) : tools)
            : throw Invalid(string.Join(Environment.NewLine, problems));

        WorkflowProblem Placed(WorkflowProblem problem) => isFile ? problem : problem with { Location = default };
    }

    /// <summary>Sets where tools come from.</summary>
    /// <param name="tools">Where.</param>
    /// <returns>Settings with these tools, and the same of everything else.</returns>
    public ModelSettings With(ToolSettings tools) => this with { Tools = tools, Endpoints = new EndpointPolicy(Endpoints.Allowed) { ToolEndpoints = tools.Endpoints } };

    /// <summary>Makes the check of cost limits.</summary>
    /// <returns>The check.</returns>
    public PriceCheck CheckPrices() => new(Models, Prices.Knows);

    private static PolyphonyException Invalid(string message) => new("settings_invalid", message);
}
