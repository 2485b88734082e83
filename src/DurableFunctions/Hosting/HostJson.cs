using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Polyphony.Core.Json;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>What the app has to know of its host.json: the Functions host reads the file, and tells the app nothing of it.</summary>
internal sealed record HostJson
{
    private const string FileName = "host.json";

    /// <summary>The host's own default of <see cref="RoutePrefix"/>.</summary>
    private const string DefaultRoutePrefix = "api";

    /// <summary>Gets the file's path.</summary>
    public required string Path { get; init; }

    /// <summary>Gets what stands before the route of every HTTP function, without slashes around it. <c>extensions.http.routePrefix</c>; default <c>api</c>.</summary>
    public string RoutePrefix { get; init; } = DefaultRoutePrefix;

    /// <summary>Gets the name of the task hub as it is written, such as <c>%TASKHUB_NAME%</c>. <c>extensions.durableTask.hubName</c>.</summary>
    public string? HubName { get; init; }

    /// <summary>Gets how long a function may take. <c>functionTimeout</c>; <see langword="null"/>: no limit is set there.</summary>
    public TimeSpan? FunctionTimeout { get; init; }

    /// <summary>Reads the file of the app.</summary>
    /// <param name="configuration">The app settings: those that begin with <c>AzureFunctionsJobHost__</c> count before the file.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="PolyphonyException"><c>settings_invalid</c>: the file is not there, or is not a JSON object.</exception>
    public static HostJson Read(IConfiguration configuration)
    {
        // The host names the folder to the worker's process; where there is none, as in tests, it is that of the assembly.
        var path = System.IO.Path.Combine(Environment.GetEnvironmentVariable("FUNCTIONS_APPLICATION_DIRECTORY") ?? AppContext.BaseDirectory, FileName);
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PolyphonyException("settings_invalid", $"The app's {FileName} can't be read at \"{path}\": {e.Message} Put one into the project's folder, and copy it to the output.");
        }

        return Parse(text, path, configuration);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="configuration">The app settings.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="PolyphonyException"><c>settings_invalid</c>: it is not a JSON object.</exception>
    public static HostJson Parse(string text, string path, IConfiguration configuration)
    {
        try
        {
            // As lenient as the host.
            using var json = JsonDocument.Parse(text, JsonLimits.Document with { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var root = json.RootElement;
            var settings = configuration.GetSection("AzureFunctionsJobHost");
            return new HostJson
            {
                Path = path,

                // The worker matches routes by the file alone, so a setting that says otherwise must not count here either.
                RoutePrefix = (Text(root, "extensions", "http", "routePrefix") ?? DefaultRoutePrefix).Trim('/'),
                HubName = settings["extensions:durableTask:hubName"] is { Length: > 0 } set ? set : Text(root, "extensions", "durableTask", "hubName"),
                FunctionTimeout = (settings["functionTimeout"] is { Length: > 0 } timeout ? timeout : Text(root, "functionTimeout")) is { } limit
                    && TimeSpan.TryParse(limit, CultureInfo.InvariantCulture, out var time) && limit != "-1" ? time : null,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new PolyphonyException("settings_invalid", $"The app's {FileName} at \"{path}\" is not valid: {e.Message}");
        }
    }

    private static string? Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            // The host does not tell letter cases apart.
            var found = element.EnumerateObject().FirstOrDefault(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
            if (found.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            {
                return null;
            }

            element = found;
        }

        return element.GetString();
    }
}
