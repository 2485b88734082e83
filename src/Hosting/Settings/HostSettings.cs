using Polyphony.Activities.Apps;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;

namespace Polyphony.Hosting.Settings;

/// <summary>What <see cref="PolyphonyOptions"/> come to: full paths, and the models of all places together.</summary>
/// <param name="DataFile">The data file; <see langword="null"/>: everything is kept in memory.</param>
/// <param name="WorkflowFolders">The folders of workflow files.</param>
/// <param name="FilesFolder">What the file tools may read.</param>
/// <param name="Models">The models, allowed endpoints and prices.</param>
internal sealed record HostSettings(string? DataFile, IReadOnlyList<string> WorkflowFolders, string? FilesFolder, ModelSettings Models)
{
    /// <summary>The name of the data file.</summary>
    public const string DataFileName = "polyphony.db";

    /// <summary>Works the settings out.</summary>
    /// <param name="options">The options.</param>
    /// <param name="contentRoot">Where relative paths begin.</param>
    /// <param name="tools">What code says of where tools come from.</param>
    /// <param name="problems">Takes what is wrong.</param>
    /// <returns>The settings, as far as they are right.</returns>
    public static HostSettings Resolve(PolyphonyOptions options, string contentRoot, IEnumerable<AppToolSettings> tools, ICollection<string> problems)
    {
        var data = FullPath(options.DataFolder, nameof(options.DataFolder));
        return new HostSettings(
            options.InMemory || data is null ? null : Path.Combine(data, DataFileName),
            [.. options.WorkflowFolders.Select(folder => FullPath(folder, nameof(options.WorkflowFolders))).OfType<string>()],
            options.FilesFolder is null ? null : FullPath(options.FilesFolder, nameof(options.FilesFolder)),
            Merge(options, options.SettingsFile is null ? null : FullPath(options.SettingsFile, nameof(options.SettingsFile)), contentRoot, tools, problems));

        string? FullPath(string path, string name)
        {
            if (string.IsNullOrWhiteSpace(path) || path.Contains('\0'))
            {
                problems.Add($"{name} must be a path; found \"{path.Replace("\0", "\\0", StringComparison.Ordinal)}\". Name a {(name == nameof(options.SettingsFile) ? "file" : "folder")}, or leave it out.");
                return null;
            }

            return Path.GetFullPath(path, contentRoot);
        }
    }

    private static ModelSettings Merge(PolyphonyOptions options, string? file, string contentRoot, IEnumerable<AppToolSettings> tools, ICollection<string> problems)
    {
        var ofFile = Read(() => ModelSettings.Read(file));
        var ofSection = options.Section is { } section ? Read(() => ModelSettings.Parse(section.Json.ToJsonString(), section.Path)) : null;
        var models = new SortedDictionary<string, ModelDefinition>(StringComparer.Ordinal);
        List<(string Place, IEnumerable<ModelDefinition> Models)> places =
            [(file ?? "", ofFile?.Models.Values ?? []), (options.Section?.Path ?? "", ofSection?.Models.Values ?? []), (nameof(options.Models), options.Models)];
        foreach (var (place, model) in places.SelectMany(place => place.Models.Select(model => (place.Place, model))))
        {
            if (!models.TryAdd(model.Name, model))
            {
                problems.Add($"The model \"{model.Name}\" of {place} is defined in another place too. Keep one of the two.");
            }
        }

        foreach (var model in options.Models)
        {
            CheckFallback(model, models, problems);
        }

        var shipped = ofFile?.Prices ?? PriceTable.Shipped;
        var prices = shipped.With(ofSection?.OwnPrices ?? PriceTable.Empty);
        return new ModelSettings(
            models,
            new EndpointPolicy([.. ofFile?.Endpoints.Allowed ?? [], .. ofSection?.Endpoints.Allowed ?? [], .. options.AllowedEndpoints]),
            prices.With(new PriceTable(prices.AsOf, new Dictionary<string, ModelPrice>(options.Prices, StringComparer.Ordinal))))
        {
            Warnings = [.. ofFile?.Warnings ?? [], .. ofSection?.Warnings ?? []],
        }.With(MergeTools(ofFile, ofSection, tools, contentRoot, problems));

        ModelSettings? Read(Func<ModelSettings> read)
        {
            try
            {
                return read();
            }
            catch (PolyphonyException e)
            {
                problems.Add(e.Message);
                return null;
            }
        }
    }

    private static ToolSettings MergeTools(ModelSettings? ofFile, ModelSettings? ofSection, IEnumerable<AppToolSettings> ofCode, string contentRoot, ICollection<string> problems) => AppToolSettings.Add(
        (ofFile?.Tools ?? ToolSettings.None).With(ofSection?.Tools.Below(contentRoot) ?? ToolSettings.None, problems), ofCode, contentRoot, problems);

    private static void CheckFallback(ModelDefinition model, SortedDictionary<string, ModelDefinition> models, ICollection<string> problems)
    {
        foreach (var unknown in model.Fallback.Where(name => name == model.Name || !models.ContainsKey(name)))
        {
            problems.Add($"The fallback \"{unknown}\" of model \"{model.Name}\" in {nameof(PolyphonyOptions.Models)} is not another model of this app. Known are {string.Join(", ", models.Keys)}.");
        }
    }
}
