using System.Text;
using Azure.Core.Serialization;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Payloads keep their bytes on every way.</summary>
[Trait("Row", "S9")]
public sealed class RawJsonTests
{
    public static TheoryData<string> Payloads =>
    [
        """{"at":"2030-01-01T00:00:00Z","again":"2030-01-01T00:00:00.000+02:00"}""",
        """{"n":12345678901234567890.10,"e":1E+2,"z":-0.0}""",
        """{"s":"\u00e4\/\"é😀","t":"<&'>"}""",
        """{"a":1,"a":2,"$type":"System.Object"}""",
        "{ \"spaces\" : [ 1 , 2 ] }",
        "\"text\"",
        "\"2030-01-01T00:00:00Z\"",
        "[1,2]",
        "[[1],[2]]",
        "[]",
        "[null]",
        "\"[x]\"",
        "0.10",
        "true",
        "\"\"",
        "{}",
    ];

    [Theory]
    [MemberData(nameof(Payloads))]
    public void Converter_ThereAndBack_KeepsTheText(string json)
    {
        var converter = new RawJsonConverter();

        Assert.Equal(json, converter.Serialize(new RawJson(json)));
        Assert.Equal(json, ((RawJson?)converter.Deserialize(json, typeof(RawJson)))?.Text);
    }

    [Theory]
    [MemberData(nameof(Payloads))]
    public async Task Serializer_ThereAndBack_KeepsTheBytes(string json)
    {
        var serializer = new RawJsonSerializer(new JsonObjectSerializer());
        using var one = new MemoryStream();
        using var other = new MemoryStream();

        serializer.Serialize(one, new RawJson(json), typeof(RawJson), default);
        await serializer.SerializeAsync(other, new RawJson(json), typeof(RawJson), default);

        Assert.Equal(Encoding.UTF8.GetBytes(json), one.ToArray());
        Assert.Equal(one.ToArray(), other.ToArray());
        one.Position = other.Position = 0;
        Assert.Equal(json, ((RawJson?)serializer.Deserialize(one, typeof(RawJson), default))?.Text);
        Assert.Equal(json, ((RawJson?)await serializer.DeserializeAsync(other, typeof(RawJson), default))?.Text);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    public void Read_Nothing_IsNull(string? text)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(text ?? ""));

        Assert.Null(new RawJsonConverter().Deserialize(text, typeof(RawJson)));
        Assert.Null(new RawJsonSerializer(new JsonObjectSerializer()).Deserialize(stream, typeof(RawJson), default));
    }

    [Fact]
    public void Others_GoTheUsualWay()
    {
        var serializer = new RawJsonSerializer(new JsonObjectSerializer());
        using var stream = new MemoryStream();

        serializer.Serialize(stream, new[] { 1, 2 }, typeof(int[]), default);

        Assert.Equal("[1,2]", Encoding.UTF8.GetString(stream.ToArray()));
        stream.Position = 0;
        Assert.Equal([1, 2], (int[])serializer.Deserialize(stream, typeof(int[]), default)!);
        Assert.Equal("[1,2]", new RawJsonConverter().Serialize(new[] { 1, 2 }));
        Assert.Equal([1, 2], (int[])new RawJsonConverter().Deserialize("[1,2]", typeof(int[]))!);
    }

    [Fact]
    public async Task Payloads_ThroughStartActivityChildAndEvent_KeepTheirBytes()
    {
        var registry = new DurableRegistry()
            .AddActivity("echo", (_, input) => Task.FromResult(input))
            .AddOrchestration("child", (_, input) => Task.FromResult(input))
            .AddOrchestration("o", async (context, input) =>
            {
                context.SetCustomStatus(input);
                var output = await context.CallActivityAsync("echo", input);
                output = await context.CallSubOrchestrationAsync("child", null, output);
                context.SendEvent("listener-" + context.InstanceId, "x", output);
                return output;
            })
            .AddOrchestration("listener", (context, _) => context.WaitForExternalEventAsync("x"));
        await using var host = await InMemoryTaskHub.StartAsync(registry);
        var token = TestContext.Current.CancellationToken;
        string[] payloads = [.. Payloads.Select(row => row.Data)];

        await Task.WhenAll(payloads.Select(async (json, i) =>
        {
            await host.Client.StartAsync("listener", null, new StartOrchestrationOptions { InstanceId = $"listener-{i}" }, token);
            await host.Client.StartAsync("o", json, new StartOrchestrationOptions { InstanceId = $"{i}" }, token);
            var ended = await host.Client.WaitForCompletionAsync($"{i}", token);
            Assert.Equal((json, json, json), (ended.Input, ended.CustomStatus, ended.Output));
            Assert.Equal(json, (await host.Client.WaitForCompletionAsync($"listener-{i}", token)).Output);
        }));
    }
}
