using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>Members that hand off: to each other, to a person, and out of the team.</summary>
[Trait("Row", "O11")]
public sealed class TeamHandoffTests
{
    [Fact]
    public async Task Handoff_ByToolCall_TheOtherGoesOn()
    {
        await using var host = await TestHost.StartAsync(tools: new ToolRegistry().Add(AIFunctionFactory.Create(() => "42 EUR", "price", "A price.")));
        var heard = "";
        host.Models.Respond = (model, messages, options, _) =>
        {
            heard = model == "cleo" ? Teams.Heard(messages) : heard;
            return Task.FromResult((model, messages[^1].Role.Value) switch
            {
                ("ann", "user") => Teams.Call("price", "{}"),
                ("ann", "tool") when messages.Count(message => message.Role == ChatRole.Tool) == 1 => Teams.Call("handoff", """{"to":"cleo","reason":"It costs 42 EUR."}"""),
                ("cleo", _) => TestModels.Text("Buy it."),
                _ => throw new InvalidOperationException(Teams.Heard(messages)),
            });
        };

        var status = await host.RunAsync(Teams.Team("speaker: handoff").Replace("ann: { model: ann,", "ann: { model: ann, tools: [price],", StringComparison.Ordinal), Teams.Input);

        Assert.Equal(
            """{"stopReason":"completed","turns":2,"last":"Buy it.","messages":[{"agent":"ann","role":"assistant","content":{"handoff":"cleo","reason":"It costs 42 EUR."}},{"agent":"cleo","role":"assistant","content":"Buy it."}]}""",
            status.Output!.Value.GetRawText());
        Assert.Equal("""user:Decide: tea / user:debate (ann):\n{"handoff":"cleo","reason":"It costs 42 EUR."}""".Replace("\\n", "\n", StringComparison.Ordinal), heard);
    }

    [Theory]
    [InlineData(10, false)]
    [InlineData(50_000, false)]
    [InlineData(10, true)]
    public async Task Text_BesideAHandoff_IsAMessageThatTheOthersHear(int length, bool ends)
    {
        await using var host = await TestHost.StartAsync();
        var draft = new string('x', length) + " DRAFT";
        var heard = "";
        host.Models.Respond = (model, messages, options, _) =>
        {
            heard = model == "cleo" ? Teams.Heard(messages) : heard;
            return Task.FromResult(model == "cleo" ? TestModels.Text("Buy it.") : new ChatResponse(new ChatMessage(
                ChatRole.Assistant, [new TextContent(draft), new FunctionCallContent("h", "handoff", new Dictionary<string, object?> { ["to"] = "cleo", ["reason"] = "Read it." })])));
        };

        var status = await host.RunAsync(Teams.Team(ends ? "speaker: handoff, termination: { textMention: DRAFT }" : "speaker: handoff"), Teams.Input);

        var output = status.Output!.Value;
        var messages = output.GetProperty("messages").EnumerateArray().Select(message => (message.GetProperty("agent").GetString(), message.GetProperty("content").GetRawText())).ToList();
        Assert.Equal(("ann", $"\"{draft}\""), messages[0]);
        Assert.Equal(ends ? 1 : 3, messages.Count);
        if (!ends)
        {
            Assert.Equal([("ann", """{"handoff":"cleo","reason":"Read it."}"""), ("cleo", "\"Buy it.\"")], messages[1..]);
            Assert.Equal(2, output.GetProperty("turns").GetInt32());
            Assert.Contains(draft, heard, StringComparison.Ordinal);
        }
    }

    // Beside other calls their results would be lost; a wrong target is said to the model.

    [Theory]
    [InlineData("""{"to":"cleo","reason":"r"}""", true)]
    [InlineData("""{"to":"nobody","reason":"r"}""", false)]
    [InlineData("""{"to":"ann","reason":"to herself"}""", false)]
    [InlineData("""{"to":"bob","reason":"LONG"}""", false)]
    public async Task Handoff_ThatCantBe_IsSaidToTheModel(string arguments, bool besideAnother)
    {
        var isLong = arguments.Contains("LONG", StringComparison.Ordinal);
        arguments = arguments.Replace("LONG", new string('x', 60_000), StringComparison.Ordinal);
        await using var host = await TestHost.StartAsync(tools: new ToolRegistry().Add(AIFunctionFactory.Create(() => "42 EUR", "price", "A price.")));
        var answer = "";
        host.Models.Respond = (model, messages, options, _) =>
        {
            if (model != "ann")
            {
                return Task.FromResult(TestModels.Text("Fine."));
            }

            var results = messages.Where(message => message.Role == ChatRole.Tool).SelectMany(message => message.Contents.OfType<FunctionResultContent>()).ToList();
            if (results.Count == 0)
            {
                var calls = new List<AIContent> { new FunctionCallContent("h", "handoff", JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments)) };
                if (besideAnother)
                {
                    calls.Add(new FunctionCallContent("p", "price", new Dictionary<string, object?>()));
                }

                return Task.FromResult(Teams.Answer(calls));
            }

            answer = results[0].Result?.ToString() ?? "";
            return Task.FromResult(Teams.Call("handoff", """{"to":"bob","reason":"then you"}"""));
        };

        var status = await host.RunAsync(Teams.Team("speaker: handoff").Replace("ann: { model: ann,", "ann: { model: ann, tools: [price],", StringComparison.Ordinal), Teams.Input);

        Assert.Equal(["ann", "bob"], Teams.Speakers(status));
        Assert.Contains(isLong ? "The reason is too long" : besideAnother ? "call this tool alone" : "\"to\" must be one of: bob, cleo.", answer);
    }

    [Fact]
    public async Task Handoff_ByAnswerToSomebodyElse_EndsTheTeam()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text("""{"handoff":"billing"}"""));

        var status = await host.RunAsync(Teams.Team("speaker: handoff").Replace("ann: { model: ann,", "ann: { model: ann, output: { type: object },", StringComparison.Ordinal), Teams.Input);

        Assert.Equal(("handoff", "billing"), (status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("handoff").GetString()));
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task Handoff_ToAPerson_WaitsForTheAnswerAndGoesBack()
    {
        await using var host = await TestHost.StartAsync();
        var heard = "";
        host.Models.Respond = (model, messages, options, _) =>
        {
            heard = Teams.Heard(messages);
            var handoff = options!.Tools!.OfType<AIFunctionDeclaration>().Single(tool => tool.Name == "handoff");
            Assert.Contains("- person: Somebody who may spend money.", handoff.Description);
            return Task.FromResult(messages.Count == 1 ? Teams.Call("handoff", """{"to":"person","reason":"May I?"}""") : TestModels.Text("Bought."));
        };

        var id = await host.StartAsync(Teams.Team("speaker: handoff, person: Somebody who may spend money."), Teams.Input);
        var asked = await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count > 0);
        Assert.Equal(("May I?", "human"), (asked.CustomStatus!.WaitingFor[0].Prompt, asked.CustomStatus.WaitingFor[0].Kind));
        await host.Client.RaiseEventAsync(id, asked.CustomStatus.WaitingFor[0].EventName!, TestHost.Json("Yes, you may."));
        var status = await host.WaitAsync(id);

        Assert.Equal("""user:Decide: tea / assistant:{"handoff":"person","reason":"May I?"} / user:debate:""" + "\nYes, you may.", heard);
        Assert.Equal(("completed", 2), (status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("turns").GetInt32()));
        Assert.Equal(["ann", "", "ann"], Teams.Speakers(status));
    }
}
