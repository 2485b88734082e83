using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Definitions;
using Polyphony.Engine;
using Polyphony.Http;
using Polyphony.Http.Hosting;
using EngineSteps = Polyphony.Benchmarks.Engine.Steps;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>Start to finish of three steps on an idle host, one instance at a time: in C# on the engine, as a workflow file, and as a workflow file over HTTP.</summary>
internal static class StartToFinish
{
    private const int StepCount = 3;

    internal static async Task RunAsync(Round round)
    {
        await using (var engine = await round.StartEngineAsync(EngineSteps.NewRegistry()))
        {
            await MeasureAsync(round, "latency.code", () => EngineSteps.RunAsync(engine.Client, EngineSteps.Sequence, EngineSteps.Text(StepCount)));
        }

        var workflow = Workflows.AgentChain(StepCount);
        await using (var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = round.NewFile(), Durability = round.Durability }, Workflows.Register))
        {
            var client = Workflows.ClientOf(engine, workflow);
            await MeasureAsync(round, "latency.workflow", () => Workflows.RunAsync(client, workflow));
            await using var app = await ServeAsync(engine, workflow);
            var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            using var http = new HttpClient { BaseAddress = new Uri(address) };
            await MeasureAsync(round, "latency.http", () => PostAsync(http, workflow.Name));
        }
    }

    private static async Task MeasureAsync(Round round, string name, Func<Task> run)
    {
        var count = round.Scale(500, 50);
        var times = new double[count];
        for (var i = -count / 10; i < count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await run();
            if (i >= 0)
            {
                times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }
        }

        Array.Sort(times);
        round.Record($"{name}.p50", "ms", times[count / 2], higherIsBetter: false);
        round.Record($"{name}.p95", "ms", times[count * 95 / 100], higherIsBetter: false);
        round.Record($"{name}.p99", "ms", times[count * 99 / 100], higherIsBetter: false);
    }

    /// <summary>Starts an instance and waits for its end, in one request.</summary>
    private static async Task PostAsync(HttpClient http, string workflow)
    {
        using var content = new StringContent("""{"input":{"text":"Thirty bytes of an answer text."}}""", Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri($"/api/workflows/{workflow}/instances?wait=60", UriKind.Relative), content);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidOperationException($"The start was answered {(int)answer.StatusCode}; expected 200: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    private static async Task<WebApplication> ServeAsync(EmbeddedEngine engine, WorkflowDefinition workflow)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton(Workflows.ClientOf(engine, workflow));
        builder.Services.AddSingleton(engine.Definitions);
        builder.Services.AddPolyphonyHttp(new PolyphonyHttpOptions());
        var app = builder.Build();
        app.UsePolyphonyAccess(new AccessOptions());
        app.MapPolyphonyApi();
        await app.StartAsync();
        return app;
    }
}
