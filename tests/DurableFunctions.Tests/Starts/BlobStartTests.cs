using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Starts;
using Polyphony.DurableFunctions.Tests.Storage;
using Polyphony.DurableFunctions.Tests.Workflows;
using Polyphony.Http.Instances;

namespace Polyphony.DurableFunctions.Tests.Starts;

/// <summary>A blob starts a workflow once for each time that it is written, with its text if it has one.</summary>
[Trait("Row", "H17")]
public sealed class BlobStartTests : IAsyncDisposable
{
    private const string Workflow = "summarize-file";

    private readonly LogRecorder<BlobStarts> _log = new();
    private readonly BlobContainerClient _container = new(TestContainer.Connection, $"test-{Guid.NewGuid():N}");
    private WorkflowHost? _host;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        await _container.DeleteIfExistsAsync(cancellationToken: CancellationToken.None);
    }

    [Fact]
    public async Task Start_TextBlob_GivesReferenceAndText()
    {
        var starts = await OpenAsync();
        var blob = await WriteAsync("new/Tee & Käse.txt", "Grüße"u8.ToArray());

        await starts.StartAsync(blob, Token);

        var id = Assert.Single(await IdsAsync());
        var status = await _host!.WaitAsync(id);
        var etag = (await blob.GetPropertiesAsync(cancellationToken: Token)).Value.ETag.ToString().Trim('"');
        Assert.Equal("Completed", status.RuntimeStatus.ToString());
        var input = status.Input!.Value;
        Assert.Equal(["container", "name", "uri", "etag", "size", "contentType", "text"], input.EnumerateObject().Select(field => field.Name));
        Assert.Equal(_container.Name, input.GetProperty("container").GetString());
        Assert.Equal("new/Tee & Käse.txt", input.GetProperty("name").GetString());
        Assert.Equal(blob.Uri.AbsoluteUri, input.GetProperty("uri").GetString());
        Assert.Equal(etag, input.GetProperty("etag").GetString());
        Assert.Equal(7, input.GetProperty("size").GetInt32());
        Assert.Equal("text/plain", input.GetProperty("contentType").GetString());
        Assert.Equal("Grüße", input.GetProperty("text").GetString());
        Assert.Equal($"blob/{_container.Name}/new/Tee & Käse.txt {etag} started instance {id} of workflow {Workflow}", Assert.Single(_log.Entries).Text);
    }

    [Fact]
    public async Task Start_DeliveredAgain_StartsOnceUntilItIsWrittenAnew()
    {
        var starts = await OpenAsync();
        var blob = await WriteAsync("a.txt", "one"u8.ToArray());
        await starts.StartAsync(blob, Token);
        await starts.StartAsync(blob, Token);
        Assert.Single(await IdsAsync());

        // The same content is another version all the same.
        await WriteAsync("a.txt", "one"u8.ToArray());
        await starts.StartAsync(blob, Token);
        await starts.StartAsync(blob, Token);

        Assert.Equal(2, (await IdsAsync()).Count);
        Assert.Equal(2, _log.Entries.Count(entry => entry.Text.Contains("was delivered again", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Start_SignedAddress_LeavesTheSignatureOut()
    {
        var starts = await OpenAsync();
        var blob = await WriteAsync("a.txt", "one"u8.ToArray());

        await starts.StartAsync(new BlobClient(blob.GenerateSasUri(Azure.Storage.Sas.BlobSasPermissions.Read, DateTimeOffset.UtcNow.AddHours(1))), Token);

        var input = (await _host!.WaitAsync(Assert.Single(await IdsAsync()))).Input!.Value;
        Assert.Equal(blob.Uri.AbsoluteUri, input.GetProperty("uri").GetString());
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("EFBBBF41", "A")]
    [InlineData("C3A9", "é")]
    [InlineData("C3", null)]
    [InlineData("410042", null)]
    [InlineData("89504E470D0A1A0A", null)]
    public async Task Start_Content_IsTextIfItIsUtf8WithoutNul(string hex, string? text)
    {
        var starts = await OpenAsync("hello");

        await starts.StartAsync(await WriteAsync("a", Convert.FromHexString(hex)), Token);

        Assert.Equal(text, await TextAsync());
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public async Task Start_ContentAboveTheLimit_IsNotRead(int above, bool read)
    {
        var starts = await OpenAsync("hello");
        var content = new byte[BlobStarts.MaxTextBytes + above];
        Array.Fill(content, (byte)'x');

        await starts.StartAsync(await WriteAsync("a", content), Token);

        Assert.Equal(read ? content.Length : null, (await TextAsync())?.Length);
    }

    [Fact]
    public async Task Start_WorkflowThatNeedsText_RefusesBinary()
    {
        var starts = await OpenAsync();
        var blob = await WriteAsync("logo.png", [0x89, 0x50, 0x4E, 0x47]);

        var refused = await Assert.ThrowsAsync<StartRefusedException>(() => starts.StartAsync(blob, Token));

        Assert.Equal(("input_invalid", "/: The required member \"text\" is missing."), (refused.Code, refused.Problems));
        Assert.Contains("logo.png", Assert.Single(_log.Entries, entry => entry.Level == LogLevel.Error).Text, StringComparison.Ordinal);
        Assert.Empty(await IdsAsync());
    }

    [Fact]
    public async Task Start_BlobThatIsGone_StartsNothing()
    {
        var starts = await OpenAsync();
        var blob = await WriteAsync("a.txt", "one"u8.ToArray());
        await blob.DeleteAsync(cancellationToken: Token);

        await starts.StartAsync(blob, Token);

        Assert.Equal((LogLevel.Warning, $"blob/{_container.Name}/a.txt is gone, so it starts nothing"), Assert.Single(_log.Entries));
        Assert.Empty(await IdsAsync());
    }

    private async Task<BlobStarts> OpenAsync(string workflow = Workflow)
    {
        _host = await WorkflowHost.EmbeddedAsync();
        return new BlobStarts(new StartSettings { Blobs = _container.Name, BlobsWorkflow = workflow }, new MessageStarts(_host.Client), _log);
    }

    private async Task<BlobClient> WriteAsync(string name, byte[] content)
    {
        await _container.CreateIfNotExistsAsync(cancellationToken: Token);
        var blob = _container.GetBlobClient(name);
        await blob.UploadAsync(new BinaryData(content), new BlobUploadOptions { HttpHeaders = new BlobHttpHeaders { ContentType = "text/plain" } }, Token);
        return blob;
    }

    private async Task<string?> TextAsync()
    {
        var status = await _host!.WaitAsync(Assert.Single(await IdsAsync()));
        Assert.Equal("Completed", status.RuntimeStatus.ToString());
        return status.Input!.Value.TryGetProperty("text", out var text) ? text.GetString() : null;
    }

    private async Task<List<string>> IdsAsync() => [.. (await _host!.Durable.QueryAsync(new(), Token)).Instances.Select(each => each.InstanceId)];
}
