using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests;

/// <summary>
/// A workflow that uses every kind of node, run under a seed: engine, interpreter, activities, ledger and payloads as shipped, one thread, every order drawn. It is crashed at
/// every commit, before and after; whatever happens, its result is the one without a crash, and no answer that was recorded is asked for again.
/// </summary>
public sealed class SimulationTests
{
    private const string Child = """
        name: child
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes: { inner: { agent: a, prompt: "inner {{ input.word }}" } }
        """;

    private const string Everything = """
        name: everything
        state: { items: append, drafts: sum, largest: max, words: merge, answer: replace, told: { reducer: append, schema: { type: string } } }
        limits: { maxConcurrency: 3 }
        models: { m: { provider: offline } }
        agents:
          a: { model: m, context: [] }
          seer: { model: m }
          other: { model: m }
          critic: { model: m, context: [], output: { type: object, required: [score], properties: { score: { type: integer } } } }
        nodes:
          list: { transform: [ 1, 2, 3, 4, 5, 6, 7 ] }
          each: { agent: a, forEach: "{{ nodes.list.output }}", prompt: "item {{ item }}", require: 6, onError: skip, itemsPerActivity: 2, write: { items: "{{ output }}", largest: "{{ item }}" } }
          large: { agent: a, prompt: large, write: { words: { large: "{{ output }}" } } }
          flaky: { agent: a, prompt: flaky, write: { words: { flaky: "{{ output }}" } } }
          draft: { agent: seer, prompt: "draft {{ round }}", write: { drafts: 1, told: "{{ state.drafts }} {{ size(state.words) }} {{ size(state.items) }}" } }
          review: { agent: critic, prompt: "review {{ round }} {{ size(nodes.draft.output) }}" }
          sub: { workflow: child, input: { word: "{{ nodes.each.output[0] }}" } }
          pause: { wait: 2h }
          ask: { human: { prompt: "Go on?", timeout: 5h, onTimeout: { value: late } }, write: { answer: "{{ output }}" } }
          talk: { team: [seer, other], prompt: "talk {{ nodes.each.output[0] }}", maxTurns: 3, termination: { textMention: nothing } }
          end: { transform: { talk: "{{ nodes.talk.output }}", each: "{{ nodes.each.output }}", sub: "{{ nodes.sub.output }}", ask: "{{ nodes.ask.output }}", draft: "{{ size(nodes.draft.output) }}", large: "{{ size(nodes.large.output) }}" } }
          tell: { transform: "{{ state.largest }} of {{ state.items.join(' ') }} {{ state.answer }} {{ state.told.join(', ') }} {{ size(state.words.large) }}" }
        edges:
          - list -> each -> draft -> review -> sub -> end -> tell
          - "[flaky, large] -> draft"
          - { from: review, to: draft, when: "nodes.review.output.score < 3", max: 5 }
          - each -> pause -> ask -> end
          - each -> talk -> end
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Trait("Row", "S7")]
    [Trait("Row", "S12")]
    [Trait("Row", "T3")]
    [Trait("Row", "B2")]
    [Trait("Row", "B4")]
    [Trait("Row", "H9")]
    public void Workflow_CrashedAtEveryCommit_HasTheSameResultAndPaysOnce(int seed)
    {
        var plain = Run(new SimulationOptions { Seed = seed });
        Assert.Equal("completed", plain.Status.Reason());
        Assert.Equal(
            "7 of item 1 item 2 item 3 item 5 item 6 item 7 late 0 2 6, 1 2 6, 2 2 6 20000", plain.Status.Outcomes!.Single(outcome => outcome.Outcome.Node == "tell").Result!.Value.GetString());
        Assert.True(plain.Commits > 50, $"{plain.Commits} commits");
        for (var commit = 1; commit <= plain.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                var crashed = Run(new SimulationOptions { Seed = seed, CrashAtCommit = commit, CrashPoint = point });
                Assert.Equal(1, crashed.Crashes);
                Check(plain, crashed, $"crash {point} at commit {commit}");
            }
        }
    }

    [Fact]
    [Trait("Row", "S3")]
    [Trait("Row", "S7")]
    [Trait("Row", "B4")]
    [Trait("Row", "T1")]
    public void Workflow_ManySeedsWithCrashesAndReplays_HasTheSameResult()
    {
        var plain = Run(new SimulationOptions { Seed = 1 });
        for (var seed = 2; seed < 150; seed++)
        {
            var other = Run(new SimulationOptions { Seed = seed, CrashProbability = seed % 3 == 0 ? 0 : 0.03, MaxLiveInstances = seed % 2 == 0 ? 0 : 1000 });
            Check(plain, other, $"seed {seed}");
        }
    }

    [Fact]
    [Trait("Row", "S3")]
    [Trait("Row", "B4")]
    public void Workflow_SameSeed_GivesTheSameHistoryByteForByte()
    {
        foreach (var seed in Enumerable.Range(1, 20))
        {
            var options = new SimulationOptions { Seed = seed, CrashProbability = 0.02 };
            Assert.Equal(Run(options).Digest, Run(options).Digest);
        }
    }

    private static void Check(Report plain, Report other, string what)
    {
        Assert.True(plain.Status.StopReason == other.Status.StopReason, $"{what}: {other.Status.StopReason} {other.Status.Error}");
        Assert.True(plain.Status.Output!.Value.GetRawText() == other.Status.Output!.Value.GetRawText(), $"{what}: {other.Status.Output.Value.GetRawText()}");
        Assert.True(plain.Status.State!.Value.GetRawText() == other.Status.State!.Value.GetRawText(), $"{what}: {other.Status.State.Value.GetRawText()}");
        Assert.True(plain.Outcomes == other.Outcomes, $"{what}:\n{plain.Outcomes}\n{other.Outcomes}");

        // Every call that was answered more than once is one that the ledger knows to be unsettled: a crash between the answer and its record.
        Assert.True(plain.Answers.Count == other.Answers.Count, $"{what}: {other.Answers.Count} different calls");
        var twice = other.Answers.Values.Sum() - other.Answers.Count;
        Assert.True(twice <= other.Unsettled, $"{what}: {twice} paid twice, {other.Unsettled} counted");
        Assert.True(twice <= 3 * other.Crashes, $"{what}: {twice} paid twice with {other.Crashes} crashes");
    }

    private static Report Run(SimulationOptions options)
    {
        var answers = new Dictionary<string, int>(StringComparer.Ordinal);
        var flaky = 0;
        var models = new TestModels
        {
            Respond = (_, messages, _, _) =>
            {
                var prompt = messages[^1].Text;
                if (prompt == "flaky" && flaky++ == 0)
                {
                    throw new HttpRequestException("down");
                }

                if (prompt == "item 4")
                {
                    throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal));
                }

                answers[prompt] = answers.GetValueOrDefault(prompt) + 1;
                return Task.FromResult(TestModels.Text(prompt switch
                {
                    "large" => new string('x', 20_000),
                    _ when prompt.StartsWith("review", StringComparison.Ordinal) => $$"""{"score":{{prompt[7]}}}""",
                    _ when prompt.StartsWith("draft", StringComparison.Ordinal) => string.Join('|', messages.Select(message => message.Text.Length)),
                    _ => prompt,
                }));
            },
        };
        var catalog = new Dictionary<string, WorkflowDefinition> { ["child"] = TestHost.Parse(Child) };
        WorkflowStatus? status = null;
        long unsettled = 0;
        var result = SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                new PolyphonyActivities(
                    new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, new ToolRegistry(), simulation.Clock, NullLoggerFactory.Instance).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions
                {
                    OperationsPerGeneration = 12,
                    MaxDirectItems = 4,
                    MaxItemsPerChild = 2,

                    // Also as if the state were too large to be passed on.
                    MaxGenerationBytes = options.Seed % 3 == 0 ? 1 : Core.Durable.DurableLimits.MaxPayloadBytes,
                });
            },
            async simulation =>
            {
                async Task<WorkflowClient> StartAsync()
                {
                    // The stores are the running engine's: after a crash the whole start is done again, as a client would.
                    while (true)
                    {
                        var client = new WorkflowClient(simulation.Client, new MapCatalog(catalog.Values), simulation.Definitions, simulation.Payloads);
                        try
                        {
                            await client.StartAsync(TestHost.Parse(Everything), TestHost.Json(null), new StartWorkflowOptions { InstanceId = "run" });
                            return client;
                        }
                        catch (Core.Durable.InstanceExistsException)
                        {
                            return client;
                        }
                        catch (PolyphonyException e) when (e.Code == "engine_stopped")
                        {
                            await Task.Yield();
                        }
                    }
                }

                await StartAsync();
                await simulation.Client.WaitForCompletionAsync("run");
                var reader = new WorkflowClient(simulation.Client, new MapCatalog(catalog.Values), simulation.Definitions, simulation.Payloads);
                status = await reader.GetAsync("run", new WorkflowStatusOptions(Outcomes: true));
                unsettled = (await simulation.Ledger.GetTotalsAsync("run")).Unsettled;
            });
        var outcomes = string.Join('\n', status!.Outcomes!.Select(outcome => $"{outcome.Outcome.Activation} {outcome.Outcome.Status} {outcome.Result?.GetRawText()}"));
        return new Report(status, outcomes, answers, unsettled, result.Commits, result.Crashes, result.Digest);
    }

    private sealed record Report(
        WorkflowStatus Status, string Outcomes, IReadOnlyDictionary<string, int> Answers, long Unsettled, int Commits, int Crashes, string Digest);

}
