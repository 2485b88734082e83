using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Payloads;

[Trait("Row", "O5")]
[Trait("Row", "S8")]
public sealed class PackActivityTests
{
    private readonly ActivityHarness _harness = new(new ScriptedChatClient("x"));

    [Fact]
    public async Task Pack_Items_AreTheValuesInOrder()
    {
        var stored = await _harness.StoredAsync("""{"deep":[10,20]}""");

        Assert.Equal("""[1,20,null,{"deep":[10,20]}]""", await PackAsync(PackMode.Items, ActivityHarness.Inline("1"), stored with { Pointer = "/deep/1" }, Payload.Null, stored));
    }

    [Fact]
    public async Task Pack_Nothing_IsAnEmptyList() => Assert.Equal("[]", await PackAsync(PackMode.Items));

    [Fact]
    public async Task Pack_Concat_JoinsListsEndToEnd() =>
        Assert.Equal("[1,[2],3]", await PackAsync(PackMode.Concat, ActivityHarness.Inline("[1,[2]]"), ActivityHarness.Inline("[]"), await _harness.StoredAsync("[3]")));

    [Fact]
    public async Task Pack_ConcatOfSomethingElse_Throws() =>
        Assert.Contains("Lists were expected", (await Assert.ThrowsAsync<PolyphonyException>(() => PackAsync(PackMode.Concat, ActivityHarness.Inline("1")))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Pack_Outcomes_AreSortedByOrderOrdinally()
    {
        var first = Outcomes(Outcome("b", "10"), Outcome("a", "1"));
        var second = Outcomes(Outcome("Z", "0"), Outcome("a", "2"));

        var packed = JsonElement.Parse(await PackAsync(PackMode.Outcomes, first, second)).EnumerateArray().Select(item => (item.GetProperty("order").GetString(), item.GetProperty("activation").GetString()));

        // Ordinal: capital letters first; equal ones keep their order.
        Assert.Equal([("Z", "0"), ("a", "1"), ("a", "2"), ("b", "10")], packed);
    }

    [Fact]
    public async Task Pack_Results_AreThoseOfCompletedResolved()
    {
        var stored = await _harness.StoredAsync("""["big"]""");
        var outcomes = Outcomes(
            Outcome("1", "a") with { Result = ActivityHarness.Inline("\"small\"") },
            Outcome("2", "b") with { Status = "failed", Error = new CallError("timeout", "late", ErrorKind.Transient), Index = 1 },
            Outcome("3", "c") with { Result = stored.Item(0) },
            Outcome("4", "d"));

        Assert.Equal("""["small","big",null]""", await PackAsync(PackMode.Results, outcomes));
        Assert.Equal("""[{"index":1,"code":"timeout","message":"late"}]""", await PackAsync(PackMode.Errors, outcomes));
    }

    [Fact]
    [Trait("Row", "O5")]
    public async Task Pack_TenThousandOutcomes_IsStoredAndResolvedOnce()
    {
        var stored = await _harness.StoredAsync(JsonSerializer.Serialize(Enumerable.Range(0, 10_000)));
        var outcomes = await _harness.StoredAsync(JsonSerializer.Serialize(
            [.. Enumerable.Range(0, 10_000).Select(i => Outcome($"{i:D5}", $"each[{i}]") with { Index = i, Result = stored.Item(i) })], CoreJsonContext.Default.ListOutcome));

        var packed = await _harness.PackAsync(new PackCall("run-1", [outcomes], PackMode.Results));

        Assert.Equal(("array", 10_000), (packed.Reference!.Type, packed.Reference.Count!.Value));
        Assert.Equal(2, _harness.Payloads.Reads);
        Assert.Equal(Enumerable.Range(0, 10_000), (await PayloadReader.ReadAsync(_harness.Payloads, packed)).EnumerateArray().Select(item => item.GetInt32()));
    }

    [Fact]
    public async Task Pack_LostValue_Throws() => await Assert.ThrowsAsync<PayloadNotFoundException>(() => PackAsync(
        PackMode.Items, new Payload { Reference = new PayloadReference(new string('0', 64), 5000, "string") }));

    private static Outcome Outcome(string order, string activation) => new()
    {
        Activation = activation,
        Node = "each",
        Order = order,
        Kind = "agent",
        Status = "completed",
    };

    private static Payload Outcomes(params List<Outcome> outcomes) => Payload.Inline(JsonSerializer.SerializeToElement(outcomes, CoreJsonContext.Default.ListOutcome));

    private async Task<string> PackAsync(PackMode mode, params Payload[] values) =>
        (await PayloadReader.ReadAsync(_harness.Payloads, await _harness.PackAsync(new PackCall("run-1", values, mode)))).GetRawText();
}
