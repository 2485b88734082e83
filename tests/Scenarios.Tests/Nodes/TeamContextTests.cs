using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>What members hear: filters, long conversations and summaries.</summary>
[Trait("Row", "O11")]
public sealed class TeamContextTests
{
    [Theory]
    [Trait("Row", "R10")]
    [InlineData("context: []", "")]
    [InlineData("context: [{ last: 1 }]", "cleo 6")]
    [InlineData("context: [{ first: 1 }, { from: bob }]", "ann 1|bob 2|bob 5")]
    [InlineData("context: [{ from: debate, last: 2 }]", "bob 5|cleo 6")]
    [InlineData("context: [{ role: user }]", "")]
    public async Task Context_OfAMember_SaysWhatItHears(string filter, string expected)
    {
        await using var host = await TestHost.StartAsync();
        var said = 0;
        var heard = "";
        host.Models.Respond = (model, messages, _, _) =>
        {
            heard = model == "ann" ? string.Join('|', messages.Skip(1).Select(message => message.Text.Split('\n')[^1])) : heard;
            return Task.FromResult(TestModels.Text($"{model} {++said}"));
        };

        var status = await host.RunAsync(Teams.Team("maxTurns: 7").Replace("ann: { model: ann,", $"ann: {{ model: ann, {filter},", StringComparison.Ordinal), Teams.Input);

        Assert.Equal(("completed", expected), (status.Reason(), heard));
        Assert.Equal(7, status.Output!.Value.GetProperty("messages").GetArrayLength());
    }

    [Fact]
    [Trait("Row", "S7")]
    public async Task Messages_ManyAndLong_GoByReference()
    {
        await using var host = await TestHost.StartAsync();
        var heard = 0;
        host.Models.Respond = (model, messages, _, _) =>
        {
            heard = messages.Count;
            return Task.FromResult(TestModels.Text($"{model} {new string('x', 3_000)}"));
        };

        var id = await host.StartAsync(Teams.Team("maxTurns: 200"), Teams.Input);
        var status = await host.WaitAsync(id);

        // The task and 199 messages; the system message comes with Bob.
        Assert.Equal(("completed", 201), (status.Reason(), heard));
        Assert.Equal(200, status.Output!.Value.GetProperty("messages").GetArrayLength());
        var longest = 0;
        foreach (var each in (await host.Engine.Client.GetHistoryAsync(id))!)
        {
            longest = Math.Max(longest, JsonSerializer.Serialize<object>(each).Length);
        }

        Assert.InRange(longest, 1_000, 40_000);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(3_000)]
    [InlineData(9_000)]
    [Trait("Row", "R10")]
    public async Task Compact_LongConversation_MembersSeeTheSummaryAndTheLastMessages(int length)
    {
        await using var host = await TestHost.StartAsync();
        var text = new string('x', length);
        var turns = 0;
        var heard = new List<string>();
        var summarized = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            var said = string.Join(" / ", messages.Where(message => message.Role != ChatRole.System).Select(message => message.Text.Split('\n')[^1].Replace(text, "", StringComparison.Ordinal)));
            (model == "chair" ? summarized : heard).Add(said);
            return Task.FromResult(TestModels.Text(model == "chair" ? $"sum {summarized.Count}" : $"{model} {++turns}{text}"));
        };

        var status = await host.RunAsync(Teams.Team($"maxTurns: 9, compact: {{ agent: chair, above: {3 * length}, keep: 2 }}"), Teams.Input);

        // Above three messages, all but two are summarised.
        Assert.Equal("completed", status.Reason());
        Assert.Equal("Decide: tea / ann 1 / bob 2", heard[2]);
        Assert.Equal("Decide: tea / sum 1 / bob 2 / cleo 3", heard[3]);
        Assert.Equal("Decide: tea / sum 2 / cleo 3 / ann 4", heard[4]);
        Assert.Equal("Decide: tea / sum 6 / ann 7 / bob 8", heard[8]);
        Assert.StartsWith("ann 1 / ", summarized[0]);
        Assert.StartsWith("sum 1 / bob 2 / ", summarized[1]);
        Assert.Equal(["ann 1", "bob 2", "cleo 3", "ann 4", "bob 5", "cleo 6", "ann 7", "bob 8", "cleo 9"], status.Output!.Value.GetProperty("messages").EnumerateArray().Select(
            message => message.GetProperty("content").GetString()!.Replace(text, "", StringComparison.Ordinal)));
        Assert.Equal((15, 9), (status.Usage.ModelCalls, status.Output.Value.GetProperty("turns").GetInt32()));
    }

    [Fact]
    public async Task Compact_SummaryThatFails_FailsTheNode()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, _, _, _) => model == "chair"
            ? throw new Activities.Providers.ModelException(new Core.Runs.CallError("invalid_request", "No.", Core.Runs.ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text(new string('x', 900)));

        var status = await host.RunAsync(Teams.Team("compact: { agent: chair, above: 1000, keep: 1 }"), Teams.Input);

        Assert.Equal(("failed", "invalid_request"), (status.Reason(), status.Error!.Code));
    }
}
