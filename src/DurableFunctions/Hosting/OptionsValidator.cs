using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>Finds everything that is wrong with the options, the app settings and host.json, and with what the app adds, before the app serves.</summary>
/// <param name="configuration">The app settings.</param>
/// <param name="services">The services: host.json is read when the options are, so that a problem there is reported with the others.</param>
/// <param name="workflows">The workflows of the program.</param>
/// <param name="tools">The app's tools.</param>
/// <param name="toolSettings">What code says of where tools come from.</param>
/// <param name="clients">The app's chat clients.</param>
internal sealed class OptionsValidator(
    IConfiguration configuration, IServiceProvider services, AppWorkflows workflows, IEnumerable<AppTool> tools, IEnumerable<AppToolSettings> toolSettings, ChatClients clients)
    : IValidateOptions<PolyphonyOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, PolyphonyOptions options)
    {
        List<string> problems = [];
        workflows.Check(problems);
        if (Try(() => (HostJson)services.GetService(typeof(HostJson))!, problems) is { } host)
        {
            var settings = FunctionsSettings.Resolve(options, configuration, host, problems);
            Try(() => AppActivities.MakeTools(new FileTools(settings.FilesFolder), tools), problems);
            if (Try(() => ModelSettings.Read(settings.SettingsFile), problems) is { } models)
            {
                AppToolSettings.Add(models.Tools, toolSettings, AppContext.BaseDirectory, problems);
                clients.Check(models.Models.Values.Concat(workflows.Definitions.SelectMany(definition => definition.Models.Values)), problems);
            }
        }

        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static T? Try<T>(Func<T> read, List<string> problems)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is PolyphonyException or ArgumentException)
        {
            problems.Add(e.Message);
            return null;
        }
    }
}
