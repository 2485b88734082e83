using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Engine;
using Polyphony.Http.Instances;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Http.Tests;

/// <summary>The stream of an instance whose items run in children: it tells of them though the instance itself does not change.</summary>
[Trait("Row", "H7")]
public sealed class DividedStreamTests
{
    [Fact]
    public async Task Stream_WhileChildrenRunItems_ShowsThemAsTheyEnd()
    {
        var gate = new SemaphoreSlim(0);
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(TimeProvider.System), (engine, registry) =>
        {
            var shipped = new PolyphonyActivities(
                new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, new ModelRegistry([new OfflineProvider()]), new ToolRegistry(), TimeProvider.System, NullLoggerFactory.Instance)
                .Register(new DurableRegistry());
            foreach (var (name, function) in shipped.Activities)
            {
                registry.AddActivity(name, name == TaskNames.Agent ? AnswerAsync : function);
            }

            registry.AddWorkflows(engine.Definitions, new InterpreterOptions { MaxDirectItems = 2, MinItemsPerChild = 8, MaxItemsPerChild = 8 });
        });
        var client = new WorkflowClient(engine.Client, new MapCatalog(), engine.Definitions, engine.Payloads);
        var id = await client.StartAsync(
            WorkflowParser.Parse(YamlSource.Read("""
                name: items
                models: { m: { provider: offline } }
                agents: { a: { model: m, timeout: 1h } }
                nodes: { each: { agent: a, forEach: "{{ [1, 2, 3, 4] }}", prompt: "{{ item }}" } }
                """).Root!).Definition!,
            JsonElement.Parse("{}"));
        var pipe = new Pipe();
        var context = new DefaultHttpContext { RequestAborted = TestContext.Current.CancellationToken };
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(pipe.Writer.AsStream()));
        var stream = new InstanceStream(client, id, StreamPosition.Start, false, TimeSpan.FromMinutes(5), TimeProvider.System).ExecuteAsync(context);
        using var reader = new StreamReader(pipe.Reader.AsStream());

        var seen = new List<int>();
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.StartsWith("event: end", StringComparison.Ordinal))
        {
            if (line.StartsWith("data: {\"name\":\"items\"", StringComparison.Ordinal)
                && JsonDocument.Parse(line.AsMemory(6), JsonLimits.Document).RootElement.TryGetProperty("customStatus", out var status)
                && status.GetProperty("nodes")[0].TryGetProperty("itemsDone", out var done))
            {
                // One more item may end only when the stream has told of the last.
                if (seen.Count == 0 || done.GetInt32() > seen[^1])
                {
                    seen.Add(done.GetInt32());
                    gate.Release();
                }
            }
        }

        await stream;
        Assert.Equal(Enumerable.Range(0, 5), seen);

        async Task<string?> AnswerAsync(ActivityContext context, string? input)
        {
            await gate.WaitAsync(context.CancellationToken);
            return JsonSerializer.Serialize(new AgentCallResult { Output = Payload.Inline(JsonElement.Parse("1")) }, CoreJsonContext.Default.AgentCallResult);
        }
    }
}
