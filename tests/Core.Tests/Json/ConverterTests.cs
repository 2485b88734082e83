using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Json;

/// <summary>Types that are read and written by hand keep the contract of all others.</summary>
public sealed class ConverterTests
{
    private static readonly CoreJsonContext Context = CoreJsonContext.Default;

    [Theory]
    [Trait("Row", "S8")]
    [InlineData("""{"json":"text"}""")]
    [InlineData("""{"json":{"a":[1,2.50,1e3],"b":null}}""")]
    [InlineData("""{"json":"\u00e4 \"and\" 中文"}""")]
    [InlineData("""{"ref":{"hash":"ab","bytes":5000,"type":"array","count":3},"pointer":"/1"}""")]
    [InlineData("""{"ref":{"hash":"ab","bytes":5000,"type":"string"}}""")]
    public void Payload_ReadAndWritten_KeepsItsText(string json) =>
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize(json, Context.Payload), Context.Payload));

    [Theory]
    [Trait("Row", "S8")]
    [InlineData("""{"json":null}""")]
    [InlineData("{}")]
    public void Payload_Null_IsAValueInPlace(string json)
    {
        var read = JsonSerializer.Deserialize(json, Context.Payload)!;

        Assert.True(read.IsInline);
        Assert.Equal(JsonValueKind.Null, read.Json!.Value.ValueKind);
        Assert.Equal("""{"json":null}""", JsonSerializer.Serialize(read, Context.Payload));
    }

    [Fact]
    [Trait("Row", "S8")]
    public void Payload_UnknownMembers_ArePassedOver()
    {
        var read = JsonSerializer.Deserialize("""{"later":{"json":1,"deep":[{}]},"json":2,"pointer":null}""", Context.Payload)!;

        Assert.Equal("2", read.Json!.Value.GetRawText());
        Assert.Null(read.Pointer);
    }

    [Theory]
    [Trait("Row", "S8")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("""{"json":""")]
    [InlineData("""{"json":1""")]
    [InlineData("""{"ref":5}""")]
    [InlineData("""{"pointer":5}""")]
    public void Payload_OfAnotherShape_IsRefused(string json) => Assert.ThrowsAny<Exception>(() => JsonSerializer.Deserialize(json, Context.Payload));

    [Fact]
    [Trait("Row", "C10")]
    public void AgentCallResult_EveryMember_ReadsBackAsWritten()
    {
        const string Json = """
            {"output":{"json":"answer"},"toolCalls":[{"callId":"c","tool":"t","arguments":{"json":{}}}],"error":{"code":"timeout","message":"late","kind":"RateLimited","retryAfterMs":5},"invalid":{"answer":{"json":"x"},"violations":["v"]},"fallback":["m"],"usage":{"modelCalls":1,"inputTokens":100,"outputTokens":50,"costUsd":0.0125},"provider":"p","responseModel":"m","finishReason":"stop","providerRequestId":"r","fromLedger":true}
            """;

        var read = JsonSerializer.Deserialize(Json, Context.AgentCallResult)!;

        Assert.Equal(new Usage(1, 100, 50, 0.0125m), read.Usage);
        Assert.Equal(("p", "m", "stop", "r", true), (read.Provider, read.ResponseModel, read.FinishReason, read.ProviderRequestId, read.FromLedger));
        Assert.Equal(new CallError("timeout", "late", ErrorKind.RateLimited, 5), read.Error);
        Assert.Equal(Json, JsonSerializer.Serialize(read, Context.AgentCallResult));
    }

    [Fact]
    [Trait("Row", "C10")]
    public void AgentCallResult_WithNothing_HasTheDefaults()
    {
        var empty = new AgentCallResult();

        Assert.Equal("""{"usage":{"modelCalls":0,"inputTokens":0,"outputTokens":0,"costUsd":0},"fromLedger":false}""", JsonSerializer.Serialize(empty, Context.AgentCallResult));
        Assert.Equal(empty, JsonSerializer.Deserialize("{}", Context.AgentCallResult));
        Assert.Equal(empty, JsonSerializer.Deserialize("""{"usage":null,"output":null,"later":[{"usage":1}],"error":null,"provider":null}""", Context.AgentCallResult));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("[]", Context.AgentCallResult));
    }
}
