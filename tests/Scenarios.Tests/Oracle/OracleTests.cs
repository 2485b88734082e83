using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests.Oracle;

/// <summary>
/// Random graphs, random orders of completion, random failures: the interpreter must agree with a small interpreter that was written for this test alone.
/// </summary>
public sealed class OracleTests
{
    private static readonly string[] Items = ["a", "b", "c", "d", "e"];

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, 12)];

    [Theory]
    [MemberData(nameof(Blocks))]
    [Trait("Row", "S1")]
    [Trait("Row", "S2")]
    [Trait("Row", "S3")]
    [Trait("Row", "O2")]
    [Trait("Row", "O5")]
    [Trait("Row", "O6")]
    [Trait("Row", "O7")]
    [Trait("Row", "R9")]
    [Trait("Row", "R10")]
    public async Task RandomWorkflows_AnyOrderOfCompletion_AgreeWithTheOracle(int block)
    {
        const int PerBlock = 250;
        var count = int.Parse(Environment.GetEnvironmentVariable("POLYPHONY_ORACLE_RUNS") ?? PerBlock.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        for (var i = 0; i < count; i++)
        {
            await CheckAsync((block * 1_000_000) + i);
        }
    }

    /// <summary>Every node writes what it is, with every reducer that several may use, and what it sees of what others have written.</summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    [Trait("Row", "S1")]
    [Trait("Row", "S3")]
    [Trait("Row", "S12")]
    public async Task RandomWorkflowsWithState_AnyOrderOfCompletion_WriteAndSeeWhatTheOracleDoes(int block)
    {
        for (var i = 0; i < 60; i++)
        {
            await CheckAsync((block * 1_000_000) + 500_000 + i, state: true);
        }
    }

    private static void CheckState(string where, OracleRun expected, JsonElement state)
    {
        var shares = expected.Writes.Aggregate(0.5m, (sum, written) => sum + decimal.Parse((written.Value / 10.0).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
        Equal("log", $"[{string.Join(',', expected.Writes.Select(written => $"\"{written.Log}\""))}]");
        Equal("whole", $"{expected.Writes.Sum(written => written.Value)}");
        Assert.True(shares == state.GetProperty("share").GetDecimal(), $"{where}\nshare: expected {shares}, found {state.GetProperty("share").GetRawText()}");
        Equal("largest", expected.Writes.Count == 0 ? "null" : $"{expected.Writes.Max(written => written.Value)}");
        var last = new Dictionary<string, int>();
        foreach (var written in expected.Writes)
        {
            last[$"n{written.Node % 3}"] = written.Value;
        }

        Assert.True(last.OrderBy(pair => pair.Key).SequenceEqual(state.GetProperty("last").EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetInt32()).OrderBy(pair => pair.Key)), $"{where}\nlast: {state.GetProperty("last").GetRawText()}");
        Equal("seen", $"[{string.Join(',', expected.Writes.Select(written => $"\"{written.Name}: {written.Seen}\""))}]");

        void Equal(string name, string json) =>
            Assert.True(json == state.GetProperty(name).GetRawText(), $"{where}\n{name}: expected {json}\nfound {state.GetProperty(name).GetRawText()}");
    }

    private static async Task CheckAsync(int seed, bool state = false)
    {
        var workflow = new RandomWorkflow(seed);
        var json = workflow.ToJson(state);
        var expected = new OracleRun(workflow, Items, state).Run();
        var random = new Random(seed);
        var options = new InterpreterOptions
        {
            OperationsPerGeneration = random.Next(1, 30),
            MaxDirectItems = random.Next(1, 8),
            MaxItemsPerChild = random.Next(1, 4),
            MaxGenerationBytes = random.Next(3) switch { 0 => 1, 1 => random.Next(500, 3000), _ => Core.Durable.DurableLimits.MaxPayloadBytes },
        };
        TestHost? host = null;
        await using var started = host = await TestHost.StartAsync(
            async (call, cancellationToken) =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(RandomAgent.Hash($"{seed}~{call.Scope.Activation}~{call.Attempt}") % 500), host!.Clock, cancellationToken);
                return await AnswerAsync(seed, call, host);
            },
            options);
        var actual = await host.RunAsync(json, new { items = Items });

        var where = $"seed {seed} with {options}\n{json}";
        Assert.True(expected.StopReason == StopReasons.Name(actual.StopReason!.Value), $"{where}\nexpected {expected.StopReason}, found {StopReasons.Name(actual.StopReason.Value)} {actual.Error}");
        if (expected.StopReason == "failed")
        {
            // What else was under way when it failed depends on timing; what ended must be right all the same.
            return;
        }

        if (state)
        {
            CheckState(where, expected, actual.State!.Value);
            Assert.Equal(actual.State.Value.GetProperty("log").GetRawText(), actual.Output!.Value.GetProperty("log").GetRawText());
        }

        var found = actual.Outcomes!.ToDictionary(
            outcome => outcome.Outcome.Activation,
            outcome => outcome.Outcome.Status == "completed" ? outcome.Result!.Value.GetRawText() : null);
        foreach (var (activation, result) in expected.Activations)
        {
            Assert.True(found.TryGetValue(activation, out var other), $"{where}\n{activation} did not run");
            Assert.True(result == other, $"{where}\n{activation}: expected {result}, found {other}");
        }

        Assert.True(expected.Activations.Count == found.Count, $"{where}\nran too: {string.Join(", ", found.Keys.Except(expected.Activations.Keys))}");
        for (var node = 0; node < workflow.Nodes.Count; node++)
        {
            var output = actual.Output!.Value.GetProperty($"n{node}");
            var value = output.ValueKind == JsonValueKind.Null ? null : output.GetRawText();
            Assert.True(expected.Outputs[node] == value, $"{where}\noutput of n{node}: expected {expected.Outputs[node]}, found {value}");
        }
    }

    private static async Task<AgentCallResult> AnswerAsync(int seed, AgentCall call, TestHost host)
    {
        var usage = new Usage(1, 3, 2, 0.001m);
        if (call.Attempt <= RandomAgent.Failures(seed, call.Scope.Activation))
        {
            var kind = RandomAgent.Failures(seed, call.Scope.Activation) == 9 ? ErrorKind.Terminal : ErrorKind.Transient;
            return new AgentCallResult { Error = new CallError("test", "as planned", kind) };
        }

        var messages = new List<ContextMessage>();
        foreach (var list in call.PackedContext)
        {
            var read = await PayloadReader.ReadAsync(host.Engine.Payloads, list);
            messages.AddRange(read.Deserialize(Core.Json.CoreJsonContext.Default.ListContextMessage)!);
        }

        messages.AddRange(call.Context);
        var context = new List<string>();
        foreach (var message in messages)
        {
            context.Add($"{message.Source}:{(await PayloadReader.ReadAsync(host.Engine.Payloads, message.Content)).GetRawText()}");
        }

        var definition = WorkflowDefinition.FromJson(host.Engine.Definitions.Find(call.Scope.DefinitionHash)!);
        var site = new ExpressionSite(ExpressionSiteKind.Prompt);
        var stored = new Dictionary<Payload, JsonElement>();
        foreach (var payload in CallScopeValues.StoredValues(call.Scope, ExpressionSites.References(definition, call.Scope.Node, site)))
        {
            stored[payload] = await PayloadReader.ReadAsync(host.Engine.Payloads, payload);
        }

        var prompt = ExpressionSites.Evaluate(definition, call.Scope.Node, site, CallScopeValues.Create(call.Scope, definition.Name, stored)).ToJson().GetString()!;
        var answer = RandomAgent.Answer(seed, call.Scope.Activation, prompt, context);
        return new AgentCallResult
        {
            Output = Payload.Inline(JsonSerializer.SerializeToElement(new { v = answer })),
            Usage = usage,
            Provider = "test",
        };
    }
}
