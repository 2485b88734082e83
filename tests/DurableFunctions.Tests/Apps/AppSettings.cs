using Microsoft.Extensions.Configuration;
using Polyphony.DurableFunctions.Hosting;

namespace Polyphony.DurableFunctions.Tests.Apps;

/// <summary>App settings and host.json of a test.</summary>
internal static class AppSettings
{
    public const string UsualHost = """{ "version": "2.0", "extensions": { "durableTask": { "hubName": "%TASKHUB_NAME%" } } }""";

    /// <summary>Reads <c>NAME=VALUE</c>, with a double underscore for a colon.</summary>
    public static IConfiguration Read(string[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2)).Select(parts => KeyValuePair.Create(parts[0].Replace("__", ":", StringComparison.Ordinal), (string?)parts[1])))
        .Build();

    public static FunctionsSettings Resolve(IConfiguration configuration, string host = UsualHost, Action<PolyphonyOptions>? configure = null, ICollection<string>? problems = null)
    {
        var options = new PolyphonyOptions();
        FunctionsSettings.Configure(options, configuration);
        configure?.Invoke(options);
        return FunctionsSettings.Resolve(options, configuration, HostJson.Parse(host, "host.json", configuration), problems ?? []);
    }
}
