using System.Text.Json;
using Polyphony.Activities.Providers;
using Polyphony.Core;
using Polyphony.Core.Workflows;

namespace Polyphony.Cli.Hosting;

/// <summary>
/// The models and prices of a host: <c>{"models":{…},"prices":{"asOf":…,"models":{…}}}</c>. No secrets: a model names the environment variable of its key.
/// </summary>
internal sealed record ModelSettings(IReadOnlyDictionary<string, ModelDefinition> Models, PriceTable Prices)
{
    /// <summary>Reads a settings file.</summary>
    /// <param name="file">The file, JSON; <see langword="null"/>: no models and no prices.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="CliException">The file cannot be read or is not valid; the message lists everything that is wrong.</exception>
    public static ModelSettings Read(string? file)
    {
        if (file is null)
        {
            return new ModelSettings(new Dictionary<string, ModelDefinition>(), PriceTable.Empty);
        }

        string text;
        try
        {
            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Invalid($"The settings file \"{file}\" cannot be read: {e.Message} Correct POLYPHONY_SETTINGS, or leave it out.");
        }

        var source = JsonSource.Read(text, file);
        if (source.Root is null)
        {
            throw Invalid(source.Problems);
        }

        var aliases = ModelAliases.Parse(source.Root, file, "prices");
        List<object> problems = [.. aliases.Problems];
        var prices = PriceTable.Empty;
        try
        {
            // A key written twice is among the problems already.
            if (problems.Count == 0 && JsonElement.Parse(text.TrimStart('\uFEFF')).TryGetProperty("prices", out var table))
            {
                prices = PriceTable.Parse(table);
            }
        }
        catch (PolyphonyException e)
        {
            problems.Add($"{file}: {e.Message} [{e.Code}]");
        }

        return problems.Count == 0 ? new ModelSettings(aliases.Models, prices) : throw Invalid(problems);
    }

    private static CliException Invalid(IEnumerable<object> problems) => CliException.Invalid(string.Join(Environment.NewLine, problems));
}
