using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>Agents that talk: who speaks, who hears what, and how it ends.</summary>
[Trait("Row", "O11")]
public sealed class TeamTests
{
    private const string Three = """
        name: talk
        input: { type: object, properties: { task: { type: string } } }
        models: { ann: { provider: offline }, bob: { provider: offline }, cleo: { provider: offline }, chair: { provider: offline } }
        agents:
          ann: { model: ann, description: "Knows {{ law }}." }
          bob: { model: bob, instructions: "You are Bob at {{ input.task }}.", FILTER }
          cleo: { model: cleo }
          chair: { model: chair }
        nodes:
          debate: { team: [ann, bob, cleo], prompt: "Decide: {{ input.task }}", TEAM }
        """;

    private static readonly object Task = new { task = "tea" };

    [Fact]
    [Trait("Row", "R7")]
    public async Task RoundRobin_EachInTurn_HearsTheTaskFirstAndThenAllThatWasSaid()
    {
        await using var host = await TestHost.StartAsync();
        var heard = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            heard.Add($"{model} <- {Heard(messages)}");
            return System.Threading.Tasks.Task.FromResult(TestModels.Text($"{model} {heard.Count}"));
        };

        var status = await host.RunAsync(Team("maxTurns: 4"), Task);

        Assert.Equal(
            [
                "ann <- user:Decide: tea",
                "bob <- system:You are Bob at tea. / user:Decide: tea / user:debate (ann):\nann 1",
                "cleo <- user:Decide: tea / user:debate (ann):\nann 1 / user:debate (bob):\nbob 2",
                "ann <- user:Decide: tea / assistant:ann 1 / user:debate (bob):\nbob 2 / user:debate (cleo):\ncleo 3",
            ],
            heard);
        Assert.Equal("completed", status.Reason());
        Assert.Equal(
            """{"stopReason":"max_turns","turns":4,"last":"ann 4","messages":[{"agent":"ann","role":"assistant","content":"ann 1"},{"agent":"bob","role":"assistant","content":"bob 2"},{"agent":"cleo","role":"assistant","content":"cleo 3"},{"agent":"ann","role":"assistant","content":"ann 4"}]}""",
            status.Output!.Value.GetRawText());
        Assert.Equal(["debate", "debate.1", "debate.2", "debate.3", "debate.4"], status.Outcomes!.Select(outcome => outcome.Outcome.Activation).Order(StringComparer.Ordinal));
        Assert.Equal((4, 60), (status.Usage.ModelCalls, status.Usage.Tokens));
    }

    [Theory]
    [InlineData("{ textMention: cleo }", "completed", 3)]
    [InlineData("{ textMention: \"2\", from: ann }", "max_turns", 6)]
    [InlineData("{ textMention: \"2\", from: debate }", "completed", 2)]
    [InlineData("{ maxMessages: 2 }", "max_turns", 2)]
    [InlineData("{ maxTokens: 40 }", "max_tokens", 3)]
    [InlineData("{ when: \"message.agent == 'bob' && usage.modelCalls > 2\" }", "completed", 5)]
    [InlineData("{ when: \"message.text == input.task + '!'\" }", "max_turns", 6)]
    [InlineData("{ timeout: 1s }", "timeout", 2)]
    [InlineData("{ handoff: editor }", "handoff", 6)]
    [InlineData("{ all: [{ textMention: ann }, { maxMessages: 3 }] }", "max_turns", 3)]
    public async Task Termination_OfATeam_EndsItWithOneReason(string termination, string reason, int turns)
    {
        await using var host = await TestHost.StartAsync();
        var said = 0;
        host.Models.Respond = async (model, _, _, cancellationToken) =>
        {
            await System.Threading.Tasks.Task.Delay(TimeSpan.FromMilliseconds(600), host.Clock, cancellationToken);
            return TestModels.Text(++said == 6 && reason == "handoff" ? """{"handoff":"editor"}""" : $"{model} {said}");
        };
        var yaml = Team($"maxTurns: 6, termination: {termination}").Replace("cleo: { model: cleo }", reason == "handoff" ? "cleo: { model: cleo, output: { type: object } }" : "cleo: { model: cleo }", StringComparison.Ordinal);
        host.Models.Respond = reason != "handoff" ? host.Models.Respond : (model, _, _, _) => System.Threading.Tasks.Task.FromResult(
            TestModels.Text(++said < 6 ? """{"text":"x"}""" : """{"handoff":"editor"}"""));

        var status = await host.RunAsync(yaml, Task);

        // What ends a team does not end the run.
        Assert.Equal(("completed", reason, turns), (status.Reason(), status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("turns").GetInt32()));
        Assert.Equal(turns, status.Output.Value.GetProperty("messages").GetArrayLength());
    }

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
            return System.Threading.Tasks.Task.FromResult(TestModels.Text($"{model} {++said}"));
        };

        var status = await host.RunAsync(Team("maxTurns: 7").Replace("ann: { model: ann,", $"ann: {{ model: ann, {filter},", StringComparison.Ordinal), Task);

        Assert.Equal(("completed", expected), (status.Reason(), heard));
        Assert.Equal(7, status.Output!.Value.GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public async Task Selector_ManagerNames_SpeakInThatOrder()
    {
        await using var host = await TestHost.StartAsync();
        var picks = new Queue<string>(["cleo", "ann", "cleo", "bob"]);
        var asked = new List<string>();
        host.Models.Respond = (model, messages, options, _) =>
        {
            if (model != "chair")
            {
                return System.Threading.Tasks.Task.FromResult(TestModels.Text(model));
            }

            Assert.IsType<ChatResponseFormatJson>(options!.ResponseFormat);
            asked.Add(messages[^1].Text);
            return System.Threading.Tasks.Task.FromResult(TestModels.Text($$"""{"next":"{{picks.Dequeue()}}"}"""));
        };

        var status = await host.RunAsync(Team("speaker: selector, manager: chair, maxTurns: 3"), Task);

        Assert.Equal(["cleo", "ann", "cleo"], Speakers(status));
        // As often as somebody may speak: when the turns are used up, nobody is chosen.
        Assert.Equal((6, 3), (status.Usage.ModelCalls, status.Output!.Value.GetProperty("turns").GetInt32()));

        // A description is text and no template.
        Assert.Contains("- ann: Knows {{ law }}.\n- bob\n- cleo", asked[0]);
        Assert.Contains("Decide: tea", asked[0]);
        Assert.Contains("Not cleo, who has just spoken.", asked[1]);
    }

    [Theory]
    [InlineData("""{"next":"nobody"}""", "ann|bob|cleo|ann")]
    [InlineData("I would say ann.", "ann|bob|cleo|ann")]
    [InlineData("""{"next":"bob"}""", "bob|cleo|bob|cleo")]
    public async Task Selector_ManagerNamesNobodyWhoMaySpeak_TheNextInOrderSpeaks(string answer, string speakers)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, _, _, _) => System.Threading.Tasks.Task.FromResult(TestModels.Text(model == "chair" ? answer : model));

        var status = await host.RunAsync(Team("speaker: selector, manager: chair, maxTurns: 4"), Task);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(speakers.Split('|'), Speakers(status));
    }

    [Fact]
    public async Task Selector_AllowRepeat_LetsOneSpeakOn()
    {
        await using var host = await TestHost.StartAsync();
        var last = "";
        host.Models.Respond = (model, messages, _, _) =>
        {
            last = model == "bob" ? Heard(messages) : last;
            return System.Threading.Tasks.Task.FromResult(TestModels.Text(model == "chair" ? """{"next":"bob"}""" : model));
        };

        var status = await host.RunAsync(Team("speaker: selector, manager: chair, allowRepeat: true, maxTurns: 2"), Task);

        Assert.Equal(["bob", "bob"], Speakers(status));
        Assert.EndsWith("assistant:bob / user:Go on.", last);
    }

    [Fact]
    public async Task Handoff_ByToolCall_TheOtherGoesOn()
    {
        await using var host = await TestHost.StartAsync(tools: new ToolRegistry().Add(AIFunctionFactory.Create(() => "42 EUR", "price", "A price.")));
        var heard = "";
        host.Models.Respond = (model, messages, options, _) =>
        {
            heard = model == "cleo" ? Heard(messages) : heard;
            return System.Threading.Tasks.Task.FromResult((model, messages[^1].Role.Value) switch
            {
                ("ann", "user") => Call("price", "{}"),
                ("ann", "tool") when messages.Count(message => message.Role == ChatRole.Tool) == 1 => Call("handoff", """{"to":"cleo","reason":"It costs 42 EUR."}"""),
                ("cleo", _) => TestModels.Text("Buy it."),
                _ => throw new InvalidOperationException(Heard(messages)),
            });
        };

        var status = await host.RunAsync(Team("speaker: handoff").Replace("ann: { model: ann,", "ann: { model: ann, tools: [price],", StringComparison.Ordinal), Task);

        Assert.Equal(
            """{"stopReason":"completed","turns":2,"last":"Buy it.","messages":[{"agent":"ann","role":"assistant","content":{"handoff":"cleo","reason":"It costs 42 EUR."}},{"agent":"cleo","role":"assistant","content":"Buy it."}]}""",
            status.Output!.Value.GetRawText());
        Assert.Equal("""user:Decide: tea / user:debate (ann):\n{"handoff":"cleo","reason":"It costs 42 EUR."}""".Replace("\\n", "\n", StringComparison.Ordinal), heard);
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
                return System.Threading.Tasks.Task.FromResult(TestModels.Text("Fine."));
            }

            var results = messages.Where(message => message.Role == ChatRole.Tool).SelectMany(message => message.Contents.OfType<FunctionResultContent>()).ToList();
            if (results.Count == 0)
            {
                var calls = new List<AIContent> { new FunctionCallContent("h", "handoff", JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments)) };
                if (besideAnother)
                {
                    calls.Add(new FunctionCallContent("p", "price", new Dictionary<string, object?>()));
                }

                return System.Threading.Tasks.Task.FromResult(Answer(calls));
            }

            answer = results[0].Result?.ToString() ?? "";
            return System.Threading.Tasks.Task.FromResult(Call("handoff", """{"to":"bob","reason":"then you"}"""));
        };

        var status = await host.RunAsync(Team("speaker: handoff").Replace("ann: { model: ann,", "ann: { model: ann, tools: [price],", StringComparison.Ordinal), Task);

        Assert.Equal(["ann", "bob"], Speakers(status));
        Assert.Contains(isLong ? "The reason is too long" : besideAnother ? "call this tool alone" : "\"to\" must be one of: bob, cleo.", answer);
    }

    [Fact]
    public async Task Handoff_ByAnswerToSomebodyElse_EndsTheTeam()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => System.Threading.Tasks.Task.FromResult(TestModels.Text("""{"handoff":"billing"}"""));

        var status = await host.RunAsync(Team("speaker: handoff").Replace("ann: { model: ann,", "ann: { model: ann, output: { type: object },", StringComparison.Ordinal), Task);

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
            heard = Heard(messages);
            var handoff = options!.Tools!.OfType<AIFunctionDeclaration>().Single(tool => tool.Name == "handoff");
            Assert.Contains("- person: Somebody who may spend money.", handoff.Description);
            return System.Threading.Tasks.Task.FromResult(messages.Count == 1 ? Call("handoff", """{"to":"person","reason":"May I?"}""") : TestModels.Text("Bought."));
        };

        var id = await host.StartAsync(Team("speaker: handoff, person: Somebody who may spend money."), Task);
        var asked = await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count > 0);
        Assert.Equal(("May I?", "human"), (asked.CustomStatus!.WaitingFor[0].Prompt, asked.CustomStatus.WaitingFor[0].Kind));
        await host.Client.RaiseEventAsync(id, asked.CustomStatus.WaitingFor[0].EventName!, TestHost.Json("Yes, you may."));
        var status = await host.WaitAsync(id);

        Assert.Equal("""user:Decide: tea / assistant:{"handoff":"person","reason":"May I?"} / user:debate:""" + "\nYes, you may.", heard);
        Assert.Equal(("completed", 2), (status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("turns").GetInt32()));
        Assert.Equal(["ann", "", "ann"], Speakers(status));
    }

    [Fact]
    [Trait("Row", "O18")]
    public async Task Planner_UntilItIsDone_InstructsAndAnswers()
    {
        await using var host = await TestHost.StartAsync();
        var decisions = new Queue<string>(
        [
            Decision("Ann looks, Bob writes.", "ann", "Look."),
            Decision("", "bob", "Write."),
            Decision("", "bob", "", answer: "Green tea."),
        ]);
        var heard = new List<string>();
        var managed = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            if (model == "chair")
            {
                managed.Add(messages[^1].Text);
                return System.Threading.Tasks.Task.FromResult(TestModels.Text(decisions.Dequeue()));
            }

            heard.Add($"{model} <- {Heard(messages)}");
            return System.Threading.Tasks.Task.FromResult(TestModels.Text($"{model} has."));
        };

        var status = await host.RunAsync(Team("speaker: planner, manager: chair"), Task);

        Assert.Equal(("completed", "Green tea.", 2), (
            status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("last").GetString(), status.Output.Value.GetProperty("turns").GetInt32()));
        Assert.Equal(["chair", "chair", "ann", "chair", "bob", "chair"], Speakers(status));
        Assert.Equal("ann <- user:Decide: tea / user:debate (chair):\nAnn looks, Bob writes. / user:debate (chair):\nLook.", heard[0]);
        Assert.Contains("Make a plan", managed[0]);
        Assert.Contains("The plan:\nAnn looks, Bob writes.", managed[1]);
    }

    [Fact]
    [Trait("Row", "O18")]
    public async Task Planner_WithoutProgress_PlansAnewAndThenGivesUp()
    {
        await using var host = await TestHost.StartAsync();
        var prompts = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            if (model != "chair")
            {
                return System.Threading.Tasks.Task.FromResult(TestModels.Text("Hm."));
            }

            prompts.Add(messages[^1].Text.Contains("Make a plan", StringComparison.Ordinal) ? "plan" : messages[^1].Text.Contains("does not lead on", StringComparison.Ordinal) ? "replan" : "go on");
            return System.Threading.Tasks.Task.FromResult(TestModels.Text(Decision(prompts[^1] == "go on" ? "" : prompts[^1], "ann", "Try.", isProgress: false)));
        };

        var status = await host.RunAsync(Team("speaker: planner, manager: chair, maxStalls: 2, maxReplans: 1"), Task);

        Assert.Equal("no_progress", status.Output!.Value.GetProperty("stopReason").GetString());
        Assert.Equal(["plan", "go on", "go on", "replan", "go on", "go on"], prompts);
    }

    [Fact]
    public async Task Limit_OfTheRun_StopsTheTeamAndKeepsItsTurns()
    {
        await using var host = await TestHost.StartAsync();

        var status = await host.RunAsync(Team("maxTurns: 9").Replace("name: talk", "name: talk\nlimits: { maxModelCalls: 3 }", StringComparison.Ordinal), Task);

        Assert.Equal(("max_model_calls", 3), (status.Reason(), host.Models.Calls));
        Assert.Equal(["debate.1", "debate.2", "debate.3"], status.Outcomes!.Select(outcome => outcome.Outcome.Activation));
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Rewind_AfterATurnHasFailed_PaysNoTurnAgain()
    {
        await using var host = await TestHost.StartAsync();
        var isDown = true;
        host.Models.Respond = (model, _, _, _) => model == "cleo" && isDown
            ? throw new Activities.Providers.ModelException(new Core.Runs.CallError("invalid_request", "No.", Core.Runs.ErrorKind.Terminal))
            : System.Threading.Tasks.Task.FromResult(TestModels.Text(model));

        var id = await host.StartAsync(Team("maxTurns: 4"), Task);
        var failed = await host.WaitAsync(id);
        Assert.Equal(("failed", "invalid_request", 3), (failed.Reason(), failed.Error!.Code, host.Models.Calls));

        isDown = false;
        await host.Client.RewindAsync(id, "it is up again");
        var status = await host.WaitAsync(id);

        Assert.Equal(("completed", 5), (status.Reason(), host.Models.Calls));
        Assert.Equal(["ann", "bob", "cleo", "ann"], Speakers(status));
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Timeout_OfTheNode_EndsTheTurnUnderWay()
    {
        await using var host = await TestHost.StartAsync();
        var cancelled = new TaskCompletionSource();
        host.Models.Respond = async (model, _, _, cancellationToken) =>
        {
            try
            {
                await System.Threading.Tasks.Task.Delay(TimeSpan.FromSeconds(4), host.Clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                cancelled.TrySetResult();
                throw;
            }

            return TestModels.Text(model);
        };

        var status = await host.RunAsync(Team("maxTurns: 9, timeout: 10s, onError: { value: { late: true } }"), Task);

        Assert.Equal(("completed", """{"late":true}"""), (status.Reason(), status.Output!.Value.GetRawText()));
        Assert.Equal(10, (int)(status.CompletedTime!.Value - status.CreatedTime).TotalSeconds);
        await cancelled.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    // 200 turns of 3 KB: neither calls nor the result fit a message, and no call carries what was said before.
    [Fact]
    [Trait("Row", "S7")]
    public async Task Messages_ManyAndLong_GoByReference()
    {
        await using var host = await TestHost.StartAsync();
        var heard = 0;
        host.Models.Respond = (model, messages, _, _) =>
        {
            heard = messages.Count;
            return System.Threading.Tasks.Task.FromResult(TestModels.Text($"{model} {new string('x', 3_000)}"));
        };

        var id = await host.StartAsync(Team("maxTurns: 200"), Task);
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
            return System.Threading.Tasks.Task.FromResult(TestModels.Text(model == "chair" ? $"sum {summarized.Count}" : $"{model} {++turns}{text}"));
        };

        var status = await host.RunAsync(Team($"maxTurns: 9, compact: {{ agent: chair, above: {3 * length}, keep: 2 }}"), Task);

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
            : System.Threading.Tasks.Task.FromResult(TestModels.Text(new string('x', 900)));

        var status = await host.RunAsync(Team("compact: { agent: chair, above: 1000, keep: 1 }"), Task);

        Assert.Equal(("failed", "invalid_request"), (status.Reason(), status.Error!.Code));
    }

    [Fact]
    public async Task ForEach_OfTeams_RunsOneForEachItem()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, messages, _, _) => System.Threading.Tasks.Task.FromResult(TestModels.Text($"{model} on {messages.First(message => message.Role == ChatRole.User).Text}"));

        var status = await host.RunAsync(
            Team("forEach: \"{{ ['x', 'y'] }}\", maxTurns: 2").Replace("Decide: {{ input.task }}", "{{ item }}", StringComparison.Ordinal), Task);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(["bob on x", "bob on y"], status.Output!.Value.EnumerateArray().Select(each => each.GetProperty("last").GetString()));
        Assert.Contains("debate[1].2", status.Outcomes!.Select(outcome => outcome.Outcome.Activation));
    }

    [Theory]
    [InlineData("manager: chair", "not_applicable at manager")]
    [InlineData("speaker: selector", "missing_key at manager")]
    [InlineData("speaker: selector, manager: ann", "invalid_value at manager")]
    [InlineData("speaker: selector, manager: nobody", "unknown_agent at manager")]
    [InlineData("speaker: loudest", "invalid_value at speaker")]
    [InlineData("allowRepeat: true", "not_applicable at allowRepeat")]
    [InlineData("person: somebody", "not_applicable at person")]
    [InlineData("maxStalls: 3, maxReplans: 1", "not_applicable at maxStalls|not_applicable at maxReplans")]
    [InlineData("maxTurns: 0", "invalid_value at maxTurns")]
    [InlineData("retry: { maxAttempts: 2 }", "not_applicable at retry")]
    [InlineData("termination: { textMention: x, from: zoe }", "unknown_name at termination.from")]
    [InlineData("termination: { when: \"message.nothing\" }", "type_error at termination.when")]
    [InlineData("compact: { agent: ann }", "invalid_value at compact.agent")]
    [InlineData("compact: { above: 10 }", "missing_key at compact.agent|invalid_value at compact.above")]
    [InlineData("compact: { agent: nobody }", "unknown_agent at compact.agent")]
    [InlineData("onError: { agent: cleo }", "not_applicable at onError")]
    public void Parse_WrongTeam_SaysWhat(string team, string expected)
    {
        var read = Core.Definitions.Sources.YamlSource.Read(Team(team));
        var problems = Core.Definitions.WorkflowParser.Parse(read.Root!).Problems;

        Assert.Equal(expected.Split('|'), problems.Select(problem => $"{problem.Code} at {problem.Path.Replace("nodes.debate.", "", StringComparison.Ordinal)}"));
    }

    [Theory]
    [InlineData("maxTurns: 5", "At most 15 model calls (5 without retries).")]
    [InlineData("maxTurns: 5, termination: { maxMessages: 2 }", "At most 6 model calls (2 without retries).")]
    [InlineData("compact: { agent: chair }, maxTurns: 2", "At most 12 model calls (4 without retries).")]
    [InlineData("speaker: selector, manager: chair, maxTurns: 2", "At most 18 model calls (4 without retries).")]
    public void Proof_OfATeam_BoundsItsCalls(string team, string expected) =>
        Assert.StartsWith(expected, Core.Definitions.WorkflowProof.Of(TestHost.Parse(Team(team))).ToString());

    private static string Team(string team) => Three.Replace("TEAM", team, StringComparison.Ordinal).Replace(", FILTER", "", StringComparison.Ordinal);

    private static string Heard(IEnumerable<ChatMessage> messages) => string.Join(" / ", messages.Select(message => $"{message.Role}:{message.Text}"));

    private static IEnumerable<string> Speakers(WorkflowStatus status) => status.Output!.Value.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("agent").GetString() ?? "");

    private static ChatResponse Call(string tool, string arguments) => Answer([new FunctionCallContent("c", tool, JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments))]);

    private static ChatResponse Answer(IList<AIContent> contents) => new(new ChatMessage(ChatRole.Assistant, contents)) { FinishReason = ChatFinishReason.ToolCalls, ModelId = "test-model" };

    private static string Decision(string plan, string next, string instruction, string answer = "", bool isProgress = true) =>
        JsonSerializer.Serialize(new { plan, isDone = answer.Length > 0, isProgress, instruction, answer, next });
}
