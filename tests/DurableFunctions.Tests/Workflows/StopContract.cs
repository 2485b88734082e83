using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;
using Polyphony.TestKit.Chat;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>A run that ends by itself on Durable Task does not wait for activities that nobody waits for any more, and these are cancelled.</summary>
[Trait("Row", "B10")]
public abstract class StopContract
{
    private const string Agents = """
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [], timeout: 10h } }
        """;

    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private protected abstract Task<WorkflowHost> StartAsync(IModelProvider models, InterpreterOptions? interpreter = null);

    public static TheoryData<string, StopReason> EndsByItself => new()
    {
        {
            """
            limits: { timeout: 1s }
            nodes: { ask: { agent: a, prompt: hang } }
            """, StopReason.Timeout
        },
        {
            """
            limits: { timeout: 1s }
            nodes: { each: { agent: a, forEach: "{{ ['hang', 'one', 'hang'] }}", prompt: "{{ item }}" } }
            """, StopReason.Timeout
        },
        {
            """
            limits: { timeout: 1s }
            nodes: { each: { agent: a, forEach: "{{ ['hang', 'one', 'hang'] }}", itemsPerActivity: 3, prompt: "{{ item }}" } }
            """, StopReason.Timeout
        },
        {
            """
            limits: { maxTokens: 10 }
            nodes: { go: { transform: 1 }, slow: { agent: a, prompt: hang }, quick: { agent: a, prompt: after 1 } }
            edges: [ "go -> [slow, quick]" ]
            output: "{{ nodes.quick.output }}"
            """, StopReason.MaxTokens
        },
        {
            """
            nodes: { go: { transform: 1 }, slow: { agent: a, prompt: hang }, no: { human: { prompt: "?", timeout: 1s, onTimeout: { value: { approved: false } }, rejectWhen: "!answer.approved" } } }
            edges: [ "go -> [slow, no]" ]
            """, StopReason.Rejected
        },
        {
            """
            nodes: { go: { transform: 1 }, quick: { agent: a, prompt: after 1 }, slow: { agent: a, prompt: hang } }
            edges: [ "go -> [quick, slow]" ]
            termination: { textMention: after }
            output: "{{ nodes.quick.output }}"
            """, StopReason.Completed
        },
        {
            """
            nodes: { slow: { agent: a, prompt: hang, timeout: 1s, onError: skip } }
            """, StopReason.Completed
        },
    };

    [Theory]
    [MemberData(nameof(EndsByItself))]
    public async Task Run_EndsByItselfWhileCallsGoOn_CancelsThemByALookAndEnds(string workflow, StopReason reason)
    {
        var models = new Models();
        await using var host = await StartAsync(models);

        var ended = await RunAsync(host, workflow);

        Assert.Equal(reason, ended.StopReason);
        Assert.Equal((models.Begun, 0), (models.Hanging.Cancelled, models.Hanging.InFlight));
        AssertUnsettled(workflow, models, ended);
        Assert.NotEmpty(ended.CustomStatus!.Nodes);
    }

    [Theory]
    [MemberData(nameof(EndsByItself))]
    public async Task Run_EndsByItselfWhileCallsHeedNoCancellation_EndsAllTheSame(string workflow, StopReason reason)
    {
        var models = new Models(ignoresCancellation: true);
        await using var host = await StartAsync(models);

        var ended = await RunAsync(host, workflow);

        Assert.Equal((reason, models.Begun), (ended.StopReason, models.Hanging.InFlight));
        AssertUnsettled(workflow, models, ended);
    }

    [Theory]
    [InlineData("limits: { maxTokens: 10 }", "1h", StopReason.MaxTokens)]
    [InlineData("", "1s", StopReason.Completed)]
    public async Task SubWorkflow_StoppedWithItsParent_IsStoppedAndItsCallsAreCancelled(string limits, string timeout, StopReason reason)
    {
        var models = new Models();
        await using var host = await StartAsync(models);
        host.Add($"name: inner\n{Agents}\nnodes: {{ ask: {{ agent: a, prompt: hang }} }}");

        var ended = await RunAsync(host, $$"""
            {{limits}}
            nodes: { go: { transform: 1 }, call: { workflow: inner, timeout: {{timeout}}, onError: skip }, quick: { agent: a, prompt: "{{(limits == "" ? "now" : "after 1")}}" } }
            edges: [ "go -> [call, quick]" ]
            output: "{% nodes.quick.output %}"
            """.Replace("{%", "{{", StringComparison.Ordinal).Replace("%}", "}}", StringComparison.Ordinal), children: 1);

        Assert.Equal((reason, models.Begun), (ended.StopReason, models.Hanging.Cancelled));
        AssertUnsettled(limits, models, ended);
    }

    [Fact]
    public async Task TokenLimit_ReachedWhileItemsInAChildAreUnderWay_CancelsThem()
    {
        var models = new Models();
        await using var host = await StartAsync(models, new InterpreterOptions { MaxDirectItems = 2 });

        var ended = await RunAsync(host, """
            limits: { maxTokens: 15, maxConcurrency: 4 }
            nodes:
              go: { transform: 1 }
              each: { agent: a, forEach: "{{ ['hang', 'one', 'hang'] }}", prompt: "{{ item }}" }
              quick: { agent: a, prompt: after 2 }
            edges: [ "go -> [each, quick]" ]
            output: "{{ nodes.quick.output }}"
            """, children: 1);

        Assert.Equal((StopReason.MaxTokens, 2), (ended.StopReason, ended.Usage.Unsettled));
        Assert.Equal(2, models.Hanging.Cancelled);
    }

    /// <summary>Where a limit on time ends the run, the ledger may know of calls that the model was not asked yet.</summary>
    private static void AssertUnsettled(string workflow, Models models, WorkflowStatus ended) =>
        Assert.InRange(ended.Usage.Unsettled, models.Begun, workflow.Contains("max", StringComparison.Ordinal) || workflow.Contains("after", StringComparison.Ordinal) ? models.Begun : 3);

    /// <summary>Runs a workflow to its end while time goes on for those who look at it, as soon as there is something to see of its children.</summary>
    private static async Task<WorkflowStatus> RunAsync(WorkflowHost host, string workflow, int children = 0)
    {
        var id = await host.StartAsync($"name: w\n{Agents}\n{workflow}", "{}");
        while ((await host.Durable.QueryAsync(new() { IncludeChildren = true }, Soon)).Instances.Count(each => each.ParentInstanceId is not null) < children)
        {
            await Task.Yield();
        }

        for (var end = Soon; !(await host.Durable.GetAsync(id, cancellationToken: end))!.IsFinished;)
        {
            host.Looks.Advance(InstanceWatch.Period);
        }

        return await host.WaitAsync(id);
    }

    /// <summary>A model that hangs, answers when others hang, or answers at once.</summary>
    private sealed class Models(bool ignoresCancellation = false) : IModelProvider
    {
        public string Name => "offline";

        public ScriptedChatClient Hanging { get; } = new(_ => ScriptedAnswer.Never(ignoresCancellation));

        /// <summary>Gets how many calls hang, or were cancelled: on a slow machine a limit on time may come before a call does.</summary>
        public int Begun => Hanging.Requests.Count;

        public IChatClient GetClient(ModelDefinition definition) => new Client(Hanging);

        private sealed class Client(ScriptedChatClient hanging) : DelegatingChatClient(hanging)
        {
            public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
            {
                var text = messages.Last().Text;
                if (text == "hang")
                {
                    return await base.GetResponseAsync(messages, options, cancellationToken);
                }

                if (text.StartsWith("after ", StringComparison.Ordinal))
                {
                    await hanging.WhenInFlightAsync(text[^1] - '0');
                }

                return ScriptedAnswer.Text(text).Response!;
            }
        }
    }
}

public sealed class StopTests : StopContract
{
    private protected override Task<WorkflowHost> StartAsync(IModelProvider models, InterpreterOptions? interpreter = null) => WorkflowHost.InMemoryAsync(interpreter, models);
}

public sealed class StopStorageTests : StopContract
{
    private protected override Task<WorkflowHost> StartAsync(IModelProvider models, InterpreterOptions? interpreter = null) => WorkflowHost.OnAzureStorageAsync(interpreter, models);
}
