using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Durable.History;

namespace Polyphony.Scenarios.Tests;

/// <summary>Images, documents and sounds that go with a prompt: values like any other, by reference, and parts of the message.</summary>
[Trait("Row", "O16")]
public sealed class AttachmentTests
{
    private const string Look = """
        name: look
        input: { type: object }
        models: { m: { provider: offline } }
        agents: { eye: { model: m, retry: { maxAttempts: 1 } } }
        nodes: { see: { agent: eye, prompt: "What is it?", attach: "{{ input.files }}" } }
        """;

    private static readonly string Cat = Convert.ToBase64String("cat"u8);

    [Fact]
    public async Task Attachments_OfTheInput_ReachTheModelAndNotTheHistory()
    {
        await using var host = await TestHost.StartAsync();
        var photo = new byte[300_000];
        new Random(1).NextBytes(photo);
        IReadOnlyList<ChatMessage>? heard = null;
        host.Models.Respond = (_, messages, _, _) =>
        {
            heard = messages;
            return Task.FromResult(TestModels.Text("A cat."));
        };

        var status = await host.RunAsync(Look, new { files = new object?[] { new { mediaType = "image/png", data = Convert.ToBase64String(photo), name = "cat.png" }, null, $"data:application/pdf;base64,{Cat}" } });

        Assert.Equal("A cat.", status.Output!.Value.GetString());
        var parts = Assert.Single(heard!).Contents;
        Assert.Equal("What is it?", Assert.IsType<TextContent>(parts[0]).Text);
        var image = Assert.IsType<DataContent>(parts[1]);
        Assert.Equal(("image/png", "cat.png"), (image.MediaType, image.Name));
        Assert.Equal(photo, image.Data.ToArray());
        Assert.Equal("application/pdf", Assert.IsType<DataContent>(parts[2]).MediaType);
        Assert.Equal(3, parts.Count);

        // The picture lies once in the payload store; no event and no status carries it.
        var history = await host.Engine.Client.GetHistoryAsync(status.InstanceId);
        Assert.All(history, each => Assert.InRange(JsonSerializer.Serialize(each, each.GetType()).Length, 1, 20_000));
        Assert.Contains(history, each => each is TaskCompleted);
    }

    [Fact]
    public async Task Attachments_OfTheItemsOfAForEach_AreThoseOfTheItem()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(string.Concat(messages[^1].Contents.OfType<DataContent>().Select(part => part.Name))));

        var status = await host.RunAsync(
            Look.Replace("agent: eye,", "agent: eye, forEach: \"{{ input.files }}\",", StringComparison.Ordinal).Replace("{{ input.files }}\" }", "{{ item }}\" }", StringComparison.Ordinal),
            new { files = Enumerable.Range(0, 40).Select(i => new { mediaType = "image/webp", data = Cat, name = $"n{i}" }) });

        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"n{i}"), status.Output!.Value.EnumerateArray().Select(answer => answer.GetString()!));
    }

    [Fact]
    public async Task Attachments_ThatAreNull_AreNone()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text($"{messages[^1].Contents.Count}"));

        Assert.Equal("1", (await host.RunAsync(Look, new { files = (string?)null })).Output!.Value.GetString());
    }

    [Theory]
    [InlineData("17", "The attachment of node \"see\" must be an object with \"mediaType\" and \"data\", or a data: URI; found a number.")]
    [InlineData("[[1]]", "Attachment 0 of node \"see\" must be an object with \"mediaType\" and \"data\", or a data: URI; found an array in the array.")]
    [InlineData("""{"data":"AAAA"}""", "The attachment of node \"see\" needs a \"mediaType\", a string.")]
    [InlineData("""{"mediaType":"image/png"}""", "The attachment of node \"see\" needs a \"data\", a string.")]
    [InlineData("""[{"mediaType":"image/png","data":"AAAA"},{"mediaType":"text/html","data":"AAAA"}]""", "Attachment 1 of node \"see\" has the media type \"text/html\". Models take image/png, image/jpeg, image/webp, image/gif, application/pdf, audio/wav, audio/mpeg.")]
    [InlineData("""{"mediaType":"image/png","data":"not base64!"}""", "The data of the attachment of node \"see\" is not base64: \"not base64!\".")]
    [InlineData("""{"mediaType":"image/png","data":""}""", "The attachment of node \"see\" is empty.")]
    [InlineData("\"https://example.com/cat.png\"", "The attachment of node \"see\" must be a URI that begins with data:MEDIA/TYPE;base64, found \"https://example.com/cat.png\". Files elsewhere are not fetched.")]
    [InlineData("MANY", "Node \"see\" attaches 21 files; at most 20 are sent with a prompt.")]
    public async Task Attachments_ThatAreNone_FailTheNodeBeforeTheModelIsAsked(string files, string expected)
    {
        await using var host = await TestHost.StartAsync();
        files = files == "MANY" ? $"[{string.Join(',', Enumerable.Repeat($$"""{"mediaType":"image/png","data":"{{Cat}}"}""", 21))}]" : files;

        var status = await host.RunAsync(Look, new { files = JsonElement.Parse(files) });

        Assert.Equal(("attachment_invalid", expected), (status.Error!.Code, status.Error.Message));
        Assert.Equal(0, host.Models.Calls);
    }
}
