using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "S9")]
public sealed class CanonicalTests
{
    private const string Written = """
        name: t
        agents:
          b: { model: m, timeout: 1h30m, retry: { maxAttempts: 3 } }
          a: { model: m, timeout: 30s }
        nodes:
          x: { agent: a, prompt: "say hi" }
          y: { agent: b, prompt: go, require: 0.6, forEach: "{{ input.items }}" }
          z: { human: { prompt: ok?, timeout: 24h } }
        edges: [x -> y -> z]
        """;

    // The same thing said otherwise: order of keys that have none, quotes, blocks, comments, defaults written out, units, JSON style, one edge at a time.
    private const string Otherwise = """
        # A comment.
        version: 1
        edges:
          - { to: y, from: x }
          - { from: [y], to: z }
        limits: { maxConcurrency: 5 }
        nodes:
          "x": { prompt: 'say hi', "agent": a, onError: fail, join: all }
          y:
            forEach: '{{ input.items }}'
            require: 60%
            agent: b
            prompt: >-
              go
          z: { human: { prompt: ok?, onTimeout: fail }, timeout: 1d }
        agents:
          a: { model: m }
          b: { model: m, timeout: 90m, retry: {}, maxToolRounds: 8, tools: [] }
        name: t
        """;

    [Fact]
    public void Hash_SameThingSaidOtherwise_IsTheSame()
    {
        Assert.Equal(Parse(Written).CanonicalJson, Parse(Otherwise).CanonicalJson);
        Assert.Equal(Parse(Written).Hash, Parse(Otherwise).Hash);
    }

    [Theory]
    [InlineData("say hi", "say ho")]
    [InlineData("0.6", "0.7")]
    [InlineData("[x -> y -> z]", "[x -> y, x -> z]")]
    [InlineData("1h30m", "1h31m")]
    [InlineData("maxAttempts: 3", "maxAttempts: 4")]
    [InlineData("{ maxAttempts: 3 }", "{ maxAttempts: 3, maxDelay: 2m }")]
    [InlineData("name: t", "name: u")]
    public void Hash_AnythingThatMatters_ChangesIt(string before, string after) =>
        Assert.NotEqual(Parse(Written).Hash, Parse(Written.Replace(before, after, StringComparison.Ordinal)).Hash);

    [Fact]
    public void CanonicalJson_SmallWorkflow_IsThis()
    {
        var definition = Parse("name: t\nnodes: { a: { transform: { b: 1.0, a: é } } }");

        Assert.Equal("""{"name":"t","nodes":{"a":{"transform":{"b":1,"a":"é"}}},"edges":[]}""", definition.CanonicalJson);

        // By `printf '%s' '…' | sha256sum`.
        Assert.Equal("68aa4f780b2e4a4249f1dfcd6b19ed733cb04884c4622b1f16ae224de6f3f406", definition.Hash);
    }

    [Fact]
    public void FromJson_NoWorkflow_ThrowsWithProblems()
    {
        Assert.Equal("json_syntax", Assert.Single(Assert.Throws<WorkflowInvalidException>(() => WorkflowDefinition.FromJson("{")).Problems).Code);
        Assert.Equal("json_syntax", Assert.Single(Assert.Throws<WorkflowInvalidException>(() => WorkflowDefinition.FromJson("{\"name\":\"\uD83D\"}")).Problems).Code);
        Assert.Equal("json_syntax", Assert.Single(Assert.Throws<WorkflowInvalidException>(() => WorkflowDefinition.FromJson("{\"name\":\"\\uD83D\"}")).Problems).Code);
        Assert.Equal("missing_key", Assert.Throws<WorkflowInvalidException>(() => WorkflowDefinition.FromJson("{}")).Problems[0].Code);
    }

    private static WorkflowDefinition Parse(string yaml) => WorkflowParser.Parse(YamlSource.Read(yaml).Root!).Require();
}
