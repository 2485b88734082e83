using Azure.Core;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>Connects to Blob and Table Storage by the app's settings, in the forms that Azure Functions takes for its own.</summary>
/// <remarks>
/// <c>PolyphonyStorage</c> if it is set, else <c>AzureWebJobsStorage</c>: a connection string (<c>UseDevelopmentStorage=true</c> for Azurite), or
/// by identity <c>…__accountName</c> or <c>…__blobServiceUri</c> and <c>…__tableServiceUri</c>, with <c>…__clientId</c> for a user-assigned identity.
/// </remarks>
internal static class StorageSettings
{
    private static readonly string[] Names = ["PolyphonyStorage", "AzureWebJobsStorage"];
    private static readonly string[] Services = ["blob", "table"];

    public static BlobServiceClient ConnectBlobs(IConfiguration configuration) =>
        Connect(configuration, "blob", connection => new BlobServiceClient(connection), (uri, credential) => new BlobServiceClient(uri, credential));

    public static TableServiceClient ConnectTables(IConfiguration configuration)
    {
        // While a request is under way, others to the same partition wait for its end: 100 seconds, the default, is too long for one that is lost.
        var options = new TableClientOptions { Retry = { NetworkTimeout = TimeSpan.FromSeconds(30) } };
        return Connect(configuration, "table", connection => new TableServiceClient(connection, options), (uri, credential) => new TableServiceClient(uri, credential, options));
    }

    private static T Connect<T>(IConfiguration configuration, string service, Func<string, T> byConnection, Func<Uri, TokenCredential, T> byIdentity)
    {
        foreach (var name in Names)
        {
            if (configuration[name] is { Length: > 0 } connection)
            {
                return Try(name, service, () => byConnection(connection));
            }

            var section = configuration.GetSection(name);
            if (section[$"{service}ServiceUri"] is { Length: > 0 } uri)
            {
                return Try($"{name}__{service}ServiceUri", service, () => byIdentity(new Uri(uri), Credential(section)));
            }

            if (section["accountName"] is { Length: > 0 } account)
            {
                return byIdentity(new Uri($"https://{account}.{service}.core.windows.net"), Credential(section));
            }

            // What is set for one service must not be mixed with another account's.
            if (Services.Any(other => section[$"{other}ServiceUri"] is { Length: > 0 }))
            {
                throw new PolyphonyException(
                    "storage_not_configured",
                    $"The address of {name}'s {service} storage is missing: set {name}__{service}ServiceUri beside the address that is set, or {name}__accountName for all of them.");
            }
        }

        throw new PolyphonyException(
            "storage_not_configured",
            "No storage is configured: set AzureWebJobsStorage to a connection string (UseDevelopmentStorage=true for Azurite), or AzureWebJobsStorage__accountName to use an identity.");
    }

    private static T Try<T>(string setting, string service, Func<T> connect)
    {
        try
        {
            return connect();
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new PolyphonyException("storage_not_configured", $"Setting {setting} does not lead to {service} storage: {e.Message}", e);
        }
    }

    private static TokenCredential Credential(IConfigurationSection section) => section["credential"] == "managedidentity"
        ? new ManagedIdentityCredential(section["clientId"] is { Length: > 0 } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned)
        : new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = section["clientId"] });
}
