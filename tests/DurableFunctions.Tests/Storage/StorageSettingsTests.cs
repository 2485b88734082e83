using Microsoft.Extensions.Configuration;
using Polyphony.DurableFunctions.Hosting;

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
        var configuration = Read(settings);

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
        var e = Assert.Throws<PolyphonyException>(() => StorageSettings.ConnectTables(Read(settings)));

        Assert.Equal("storage_not_configured", e.Code);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Polyphony1Ledger", "TASKHUB_NAME=Polyphony1")]
    [InlineData("myhubabafb8f4Ledger", "TASKHUB_NAME=my-hub")]
    [InlineData("defaultLedger")]
    [InlineData("Steps", "TASKHUB_NAME=1", "POLYPHONY_TABLE=Steps")]
    public void Table_OfTheSettings_IsNamed(string expected, params string[] settings) => Assert.Equal(expected, FunctionsSettings.Read(Read(settings)).Table);

    [Theory]
    [InlineData("POLYPHONY_TABLE", "TASKHUB_NAME=hub", "POLYPHONY_TABLE=no-table")]
    [InlineData("POLYPHONY_TABLE", "TASKHUB_NAME=hub", "POLYPHONY_TABLE=t")]
    [InlineData("TASKHUB_NAME", "TASKHUB_NAME=1hub")]
    public void Table_ThatCanBeNone_IsRefused(string setting, params string[] settings)
    {
        var e = Assert.Throws<PolyphonyException>(() => FunctionsSettings.Read(Read(settings)));

        Assert.Equal("settings_invalid", e.Code);
        Assert.Contains(setting, e.Message, StringComparison.Ordinal);
    }

    private static IConfiguration Read(string[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2)).Select(parts => KeyValuePair.Create(parts[0].Replace("__", ":", StringComparison.Ordinal), (string?)parts[1])))
        .Build();
}
