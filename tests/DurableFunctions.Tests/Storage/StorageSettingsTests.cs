using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Tests.Apps;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>The app settings that say where things lie.</summary>
[Trait("Row", "H8")]
public sealed class StorageSettingsTests
{
    [Theory]
    [InlineData("https://a.blob.core.windows.net/", "https://a.table.core.windows.net/", "AzureWebJobsStorage__accountName=a")]
    [InlineData("https://b/", "https://t/", "AzureWebJobsStorage__accountName=a", "PolyphonyStorage__blobServiceUri=https://b", "PolyphonyStorage__tableServiceUri=https://t")]
    [InlineData("https://b/", "https://p.table.core.windows.net/", "PolyphonyStorage__blobServiceUri=https://b", "PolyphonyStorage__accountName=p")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10002/devstoreaccount1", "PolyphonyStorage=UseDevelopmentStorage=true", "AzureWebJobsStorage__accountName=a")]
    public void Connect_EveryForm_LeadsToBlobsAndTablesOfOneAccount(string blobs, string tables, params string[] settings)
    {
        var configuration = AppSettings.Read(settings);

        Assert.Equal(blobs, StorageSettings.ConnectBlobs(configuration).Uri.AbsoluteUri);
        Assert.Equal(tables, StorageSettings.ConnectTables(configuration).Uri.AbsoluteUri);
    }

    [Theory]
    [InlineData("set AzureWebJobsStorage to")]
    [InlineData("set PolyphonyStorage__tableServiceUri", "PolyphonyStorage__blobServiceUri=https://b", "AzureWebJobsStorage__accountName=a")]
    [InlineData("Setting PolyphonyStorage does not lead to table storage", "PolyphonyStorage=nonsense")]
    [InlineData("Setting PolyphonyStorage__tableServiceUri does not lead to table storage", "PolyphonyStorage__tableServiceUri=nonsense")]
    public void Connect_WithoutTables_SaysWhatIsMissing(string message, params string[] settings)
    {
        var e = Assert.Throws<PolyphonyException>(() => StorageSettings.ConnectTables(AppSettings.Read(settings)));

        Assert.Equal("storage_not_configured", e.Code);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }
}
