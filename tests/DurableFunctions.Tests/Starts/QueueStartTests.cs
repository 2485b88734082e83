using System.Text;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Starts;
using Polyphony.DurableFunctions.Tests.Storage;
using Polyphony.DurableFunctions.Tests.Workflows;
using Polyphony.Http.Instances;

namespace Polyphony.DurableFunctions.Tests.Starts;

/// <summary>A message starts a workflow once, however often it is delivered; what can't be started says all that is wrong, and nothing of what it holds.</summary>
[Trait("Row", "H17")]
public sealed class QueueStartTests : IAsyncDisposable
{
    private const string Queue = "starts";
    private const string Hello = """{"workflow":"hello","input":{"name":"Ada"}}""";

    private readonly LogRecorder<QueueStarts> _log = new();
    private QueueClient? _queue;
    private WorkflowHost? _host;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        if (_queue is not null)
        {
            await _queue.DeleteIfExistsAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task Start_DeliveredAgainBecauseItsDeletionWasLost_StartsOnce()
    {
        var starts = await OpenAsync();
        var queue = await OpenQueueAsync();
        await queue.SendMessageAsync(Hello, Token);

        // The process ends after the start, before the message is deleted.
        var first = await ReceiveAsync(queue);
        await starts.StartAsync(first, Token);
        await queue.UpdateMessageAsync(first.MessageId, first.PopReceipt, visibilityTimeout: TimeSpan.Zero, cancellationToken: Token);
        var second = await ReceiveAsync(queue);
        await starts.StartAsync(second, Token);

        Assert.Equal((first.MessageId, 2), (second.MessageId, second.DequeueCount));
        var id = Assert.Single(await IdsAsync());
        Assert.StartsWith("key-", id, StringComparison.Ordinal);
        Assert.Equal("""{"name":"Ada"}""", (await _host!.WaitAsync(id)).Input!.Value.GetRawText());
        Assert.Equal(
            [(LogLevel.Information, $"queue/{Queue} {first.MessageId} started instance {id} of workflow hello"),
             (LogLevel.Information, $"queue/{Queue} {first.MessageId} was delivered again and starts nothing more: it started instance {id} of workflow hello before")],
            _log.Entries);
    }

    [Fact]
    public async Task Start_TwoMessagesWithTheSameText_StartsTwo()
    {
        var starts = await OpenAsync();
        var queue = await OpenQueueAsync();
        await queue.SendMessageAsync(Hello, Token);
        await queue.SendMessageAsync(Hello, Token);

        await starts.StartAsync(await ReceiveAsync(queue), Token);
        await starts.StartAsync(await ReceiveAsync(queue), Token);

        Assert.Equal(2, (await IdsAsync()).Count);
    }

    [Theory]
    [InlineData(QueueMessageEncoding.None)]
    [InlineData(QueueMessageEncoding.Base64)]
    public async Task Start_EitherEncoding_ReadsTheSame(QueueMessageEncoding encoding)
    {
        var starts = await OpenAsync(embedded: true);
        var queue = await OpenQueueAsync();
        await new QueueClient(TestContainer.Connection, queue.Name, new QueueClientOptions { MessageEncoding = encoding })
            .SendMessageAsync("""{"workflow":"hello","input":{"name":"Zoë"}}""", Token);

        await starts.StartAsync(await ReceiveAsync(queue), Token);

        Assert.Equal("Zoë", (await _host!.WaitAsync(Assert.Single(await IdsAsync()))).Input!.Value.GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("\"ab\"")]
    [InlineData("-12")]
    [InlineData("1234")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("false")]
    [InlineData(" 1234")]
    public async Task Start_AnyJsonInEitherEncoding_IsTakenAsItself(string input)
    {
        var starts = await OpenAsync(embedded: true, workflow: "hello");
        var wrong = await Assert.ThrowsAsync<StartRefusedException>(() => starts.StartAsync(Message("m1", input), Token));
        var encoded = await Assert.ThrowsAsync<StartRefusedException>(() => starts.StartAsync(Message("m1", Convert.ToBase64String(Encoding.UTF8.GetBytes(input))), Token));

        Assert.Equal(("input_invalid", wrong.Problems), (encoded.Code, encoded.Problems));
        Assert.Equal("input_invalid", wrong.Code);
        Assert.Equal(
            _log.Entries.Where(entry => entry.Level == LogLevel.Trace).Select(entry => entry.Text).Distinct(),
            [_log.Entries.First(entry => entry.Level == LogLevel.Trace).Text]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_DeliveredToManyAtOnce_StartsOnce(bool embedded)
    {
        // The engine decides itself who is first; on Azure Storage the id is reserved.
        var starts = await OpenAsync(embedded, host: embedded ? null : await WorkflowHost.OnAzureStorageAsync(null));

        await Task.WhenAll(Enumerable.Range(1, 20).Select(count => Task.Run(() => starts.StartAsync(Message("m1", Hello, count), Token), Token)));

        Assert.Single(await IdsAsync());
        Assert.Single(_log.Entries, entry => entry.Text.Contains("started instance", StringComparison.Ordinal) && !entry.Text.Contains("again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_InstanceIdInTheMessage_IsTheInstancesAndIsUsedOnce()
    {
        var starts = await OpenAsync(embedded: true);
        const string Order = """{"workflow":"hello","instanceId":"order-1","tags":{"team":"blue"},"input":{"name":"Ada"}}""";

        await starts.StartAsync(Message("m1", Order), Token);
        // A sender that did not hear that it was sent.
        await starts.StartAsync(Message("m2", """{ "instanceId":"order-1", "workflow":"hello", "input":{"name":"Ada"}, "tags":{"team":"blue"} }"""), Token);
        var other = await Assert.ThrowsAnyAsync<PolyphonyException>(() => starts.StartAsync(Message("m3", """{"workflow":"hello","instanceId":"order-1","input":{"name":"Bob"}}"""), Token));

        Assert.Equal("instance_exists", other.Code);
        Assert.Equal("order-1", Assert.Single(await IdsAsync()));
        Assert.Equal("blue", (await _host!.Durable.GetAsync("order-1", false, Token))!.Tags["team"]);
    }

    [Fact]
    public async Task Start_StartAt_BeginsNotBefore()
    {
        var starts = await OpenAsync(embedded: true);

        await starts.StartAsync(Message("m1", """{"workflow":"hello","startAt":"2999-01-01T00:00:00Z","input":{"name":"Ada"}}"""), Token);

        Assert.Equal("Pending", (await _host!.Client.GetAsync(Assert.Single(await IdsAsync()), null, Token))!.RuntimeStatus.ToString());
    }

    [Fact]
    public async Task Start_WorkflowBySetting_TakesTheMessageAsInput()
    {
        var starts = await OpenAsync(embedded: true, workflow: "hello");

        await starts.StartAsync(Message("m1", """{"name":"Ada"}"""), Token);
        await starts.StartAsync(Message("m1", """{"name":"Ada"}"""), Token);
        var envelope = await Assert.ThrowsAnyAsync<PolyphonyException>(() => starts.StartAsync(Message("m2", Hello), Token));

        Assert.Equal("input_invalid", envelope.Code);
        var started = await _host!.WaitAsync(Assert.Single(await IdsAsync()));
        Assert.Equal(("hello", """{"name":"Ada"}"""), (started.Name, started.Input!.Value.GetRawText()));
    }

    [Theory]
    [InlineData("not json", "invalid_json", "is an invalid JSON literal. Expected the literal 'null'")]
    [InlineData("SECRET", "invalid_json", "something is an invalid start of a value")]
    [InlineData("", "invalid_json", "does not contain any JSON tokens")]
    [InlineData("""{"a":nSECRET}""", "invalid_json", "something is an invalid JSON literal")]
    [InlineData("""["SECRET"]""", "invalid_request", "The body must be an object such as {\"workflow\": \"NAME\", \"input\": …}.")]
    [InlineData("""{"input":{"name":"SECRET"}}""", "invalid_request", "/workflow: \"workflow\" is missing: the name of the workflow to start.")]
    [InlineData("""{"workflow":{"SECRET":1},"input":{"name":"Ada"}}""", "invalid_request", "/workflow: \"workflow\" must be a string of 1 to 100 characters.")]
    [InlineData("""{"workflow":"nowhere"}""", "workflow_not_found", "There is no workflow \"nowhere\". Known: approval, ")]
    [InlineData("""{"workflow":"hello","input":{"nme":"SECRET"}}""", "input_invalid", "/: The required member \"name\" is missing.")]
    [InlineData("""{"workflow":"hello","input":{"name":["SECRET"]}}""", "input_invalid", "/name: Expected string.")]
    [InlineData("""{"workflow":"hello","input":"SECRET"}""", "input_invalid", "/: Expected object.")]
    [InlineData("""{"workflow":"hello","startAt":"SECRET","tags":"SECRET","limits":{"maxModelCalls":"SECRET"},"when":"SECRET"}""", "invalid_request", "/startAt: ", "/tags: ", "/limits/maxModelCalls: ", "/when: Unknown field \"when\"")]
    [InlineData("""{"workflow":"hello","tags":{"workflow":"SECRET"}}""", "invalid_request", "/tags/workflow: Tag \"workflow\" is set by the host")]
    [InlineData("""{"workflow":"hello","instanceId":"#","input":{"name":"Ada"}}""", "instance_id_invalid", "/instanceId: \"#\" is not an instance id")]
    public async Task Start_MessageThatCannotBeStarted_ListsEverythingAndNoValue(string message, string code, params string[] problems)
    {
        var starts = await OpenAsync(embedded: true);

        var refused = await Assert.ThrowsAsync<StartRefusedException>(() => starts.StartAsync(Message("m1", message), Token));

        Assert.Equal(code, refused.Code);
        Assert.All(problems, problem => Assert.Contains(problem, refused.Message, StringComparison.Ordinal));
        // The host writes what is thrown into its log.
        Assert.DoesNotContain("SECRET", refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", _log.Visible, StringComparison.Ordinal);
        var error = Assert.Single(_log.Entries, entry => entry.Level == LogLevel.Error);
        Assert.Equal($"queue/{Queue} m1 can't start a workflow ({code}): {refused.Problems}", error.Text);
        Assert.Empty(await IdsAsync());
    }

    [Fact]
    public async Task Start_ValueOfTheInput_IsLoggedAtTraceOnly()
    {
        var starts = await OpenAsync(embedded: true);

        await Assert.ThrowsAsync<StartRefusedException>(() => starts.StartAsync(Message("m1", """{"workflow":"hello","startAt":"SECRET"}"""), Token));

        Assert.Contains("SECRET", Assert.Single(_log.Entries, entry => entry.Level == LogLevel.Trace).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_StorageThatFails_IsNotTheMessagesFault()
    {
        _host = await WorkflowHost.EmbeddedAsync();
        var client = new WorkflowClient(_host.Durable, _host.Client.Catalog, new FailingDefinitionStore(), _host.Client.Payloads);
        var starts = new QueueStarts(new StartSettings { Queue = Queue }, new MessageStarts(client), _log);

        await Assert.ThrowsAsync<IOException>(() => starts.StartAsync(Message("m1", Hello), Token));

        Assert.Empty(_log.Entries);
    }

    private static QueueMessage Message(string id, string text, long dequeueCount = 1) =>
        QueuesModelFactory.QueueMessage(id, "receipt", text, dequeueCount);

    private static async Task<QueueMessage> ReceiveAsync(QueueClient queue) =>
        (await queue.ReceiveMessageAsync(TimeSpan.FromMinutes(10), Token)).Value ?? throw new InvalidOperationException("The queue is empty.");

    private async Task<QueueStarts> OpenAsync(bool embedded = false, string? workflow = null, WorkflowHost? host = null)
    {
        _host = host ?? (embedded ? await WorkflowHost.EmbeddedAsync() : await WorkflowHost.InMemoryAsync(null));
        return new QueueStarts(new StartSettings { Queue = Queue, QueueWorkflow = workflow }, new MessageStarts(_host.Client), _log);
    }

    private async Task<QueueClient> OpenQueueAsync()
    {
        // Read as the host does it, by host.json: as it was sent.
        _queue = new QueueClient(TestContainer.Connection, $"test-{Guid.NewGuid():N}");
        await _queue.CreateAsync(cancellationToken: Token);
        return _queue;
    }

    private async Task<List<string>> IdsAsync() => [.. (await _host!.Durable.QueryAsync(new(), Token)).Instances.Select(each => each.InstanceId)];

    private sealed class FailingDefinitionStore : IDefinitionStore
    {
        public Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default) => throw new IOException("The storage does not answer.");

        public string? Find(string hash) => null;
    }
}
