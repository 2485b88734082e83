using Azure.Core;
using Azure.Identity;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;
using Polyphony.Core;

namespace Polyphony.Functions.Hosting;

/// <summary>Connects to Blob Storage by the app's settings, in the forms that Azure Functions takes for its own.</summary>
/// <remarks>
/// <c>PolyphonyStorage</c> if it is set, else <c>AzureWebJobsStorage</c>: a connection string (<c>UseDevelopmentStorage=true</c> for Azurite), or
/// by identity <c>…__blobServiceUri</c> or <c>…__accountName</c>, with <c>…__clientId</c> for a user-assigned identity.
/// </remarks>
internal static class BlobStorageSettings
{
    private static readonly string[] Names = ["PolyphonyStorage", "AzureWebJobsStorage"];

    public static BlobServiceClient Connect(IConfiguration configuration)
    {
        foreach (var name in Names)
        {
            if (configuration[name] is { Length: > 0 } connection)
            {
                return new BlobServiceClient(connection);
            }

            var section = configuration.GetSection(name);
            if (section["blobServiceUri"] is { Length: > 0 } uri)
            {
                return new BlobServiceClient(new Uri(uri), Credential(section));
            }

            if (section["accountName"] is { Length: > 0 } account)
            {
                return new BlobServiceClient(new Uri($"https://{account}.blob.core.windows.net"), Credential(section));
            }
        }

        throw new PolyphonyException(
            "storage_not_configured",
            "No storage is configured: set AzureWebJobsStorage to a connection string (UseDevelopmentStorage=true for Azurite), or AzureWebJobsStorage__accountName to use an identity.");
    }

    private static TokenCredential Credential(IConfigurationSection section) => section["credential"] == "managedidentity"
        ? new ManagedIdentityCredential(section["clientId"] is { Length: > 0 } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned)
        : new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = section["clientId"] });
}
