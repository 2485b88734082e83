using Microsoft.Extensions.Options;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Tools;
using Polyphony.Core.Durable;
using Polyphony.Engine;
using Polyphony.Http.Hosting;

namespace Polyphony.Hosting.Settings;

/// <summary>Checks everything that an app was given, at its start: all problems at once.</summary>
/// <param name="root">Where relative paths begin.</param>
/// <param name="tools">The tools.</param>
/// <param name="toolSettings">What code says of where tools come from.</param>
/// <param name="workflows">The workflows of the program.</param>
/// <param name="clients">The chat clients.</param>
internal sealed class OptionsValidator(
    ContentRoot root, IEnumerable<AppTool> tools, IEnumerable<AppToolSettings> toolSettings, AppWorkflows workflows, ChatClients clients) : IValidateOptions<PolyphonyOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, PolyphonyOptions options)
    {
        List<string> problems = [.. options.Problems];
        CheckNumbers(options, problems);
        CheckRoutes(options, problems);
        var settings = HostSettings.Resolve(options, root.Path, toolSettings, problems);
        clients.Check(settings.Models.Models.Values.Concat(workflows.Definitions.SelectMany(definition => definition.Models.Values)), problems);
        workflows.Check(problems);
        CheckTools(problems);
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static void CheckNumbers(PolyphonyOptions options, List<string> problems)
    {
        AtLeast(nameof(options.MaxConcurrentActivities), options.MaxConcurrentActivities, 1);
        AtLeast(nameof(options.MaxLiveInstances), options.MaxLiveInstances, 0);
        AdmissionText.Check(options.Admission, problems);
        AtLeast(nameof(options.PayloadCacheBytes), options.PayloadCacheBytes, 0);
        AtLeast(nameof(options.MaxBodyBytes), options.MaxBodyBytes, 1);
        AtLeast(nameof(options.MaxUploadBytes), options.MaxUploadBytes, 1);
        Within(nameof(options.StopTimeout), options.StopTimeout, TimeSpan.Zero, TimeSpan.FromHours(1));
        Within(nameof(options.ToolTimeout), options.ToolTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1));
        Within(nameof(options.Heartbeat), options.Heartbeat, PolyphonyOptions.ShortestHeartbeat, TimeSpan.FromHours(1));
        if (!Enum.IsDefined(options.Durability))
        {
            problems.Add($"{nameof(options.Durability)} must be one of {string.Join(", ", Enum.GetNames<Durability>())}; found {options.Durability}.");
        }

        foreach (var (model, price) in options.Prices.Where(pair => IsNegative(pair.Value) || (pair.Value.Above is { } above && (IsNegative(above.Price) || above.Tokens <= 0))))
        {
            problems.Add($"{nameof(options.Prices)}: the price of \"{model}\" must be 0 or more; found {price}.");
        }

        void AtLeast(string setting, long value, long least)
        {
            if (value < least)
            {
                problems.Add($"{setting} must be {least} or more; found {value}.");
            }
        }

        void Within(string setting, TimeSpan value, TimeSpan least, TimeSpan most)
        {
            if (value < least || value > most)
            {
                problems.Add($"{setting} must be {least:c} to {most:c}; found {value:c}.");
            }
        }
    }

    private static bool IsNegative(Activities.Providers.ModelPrice price) => price.InputPerMillion < 0 || price.OutputPerMillion < 0 || price.CachedInputPerMillion < 0;

    private static void CheckRoutes(PolyphonyOptions options, List<string> problems)
    {
        if (AccessOptions.FindKeyProblem(options.ApiKey) is { } problem)
        {
            problems.Add($"{nameof(options.ApiKey)} {problem}");
        }

        if (options.OpenApiPath is not ['/', not '/', ..] || options.OpenApiPath.AsSpan().ContainsAny("{}?#"))
        {
            problems.Add($"{nameof(options.OpenApiPath)} must be a path that begins with \"/\"; found \"{options.OpenApiPath}\". Such as {PolyphonyOptions.DefaultOpenApiPath}.");
        }
    }

    private void CheckTools(List<string> problems)
    {
        var registry = new FileTools(null).Register(new ToolRegistry());
        foreach (var tool in tools)
        {
            try
            {
                tool.AddTo(registry);
            }
            catch (ArgumentException e)
            {
                problems.Add(e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal));
            }
        }
    }
}
