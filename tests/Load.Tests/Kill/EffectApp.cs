using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Tools;
using Polyphony.Hosting;

namespace Polyphony.Load.Tests.Kill;

/// <summary>An app whose tools call a server outside of it: this assembly, started with <see cref="Command"/>, a folder and the server's address.</summary>
internal static class EffectApp
{
    public const string Command = "effects";

    public const string Workflow = """
        name: charges
        input: { type: object, required: [n], properties: { n: { type: integer } } }
        limits: { maxConcurrency: 10 }
        nodes:
          begin: { transform: 1 }
          plain: { tool: charge, arguments: { n: "{{ input.n }}" }, forEach: "{{ [1, 2] }}" }
          checked: { tool: charge_checked, arguments: { n: "{{ input.n }}" } }
          repeated: { tool: charge_repeated, arguments: { n: "{{ input.n }}" } }
        edges: [ "begin -> [plain, checked, repeated]" ]
        output: { plain: "{{ nodes.plain.output }}", checked: "{{ nodes.checked.output }}", repeated: "{{ nodes.repeated.output }}" }
        """;

    public static async Task RunAsync(string[] args)
    {
        var (folder, server) = (args[1], new Uri(args[2]));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server };
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.AddPolyphony(options => options.DataFolder = Path.Combine(folder, "data"))
            .AddWorkflows(Path.Combine(folder, "workflows"))
            .AddTool(Charge("charge"))
            .AddTool(Charge("charge_checked"), new ToolOptions { Check = CheckAsync })
            .AddTool(Charge("charge_repeated"), new ToolOptions { Idempotent = true });
        await using var app = builder.Build();
        app.MapPolyphony("");
        await app.StartAsync();
        Console.WriteLine($"Polyphony serves {app.Urls.First()}/");
        Console.WriteLine("Ctrl-C stops it.");
        await Task.Delay(Timeout.Infinite);

        AIFunction Charge(string name) => AIFunctionFactory.Create(
            async (int n, CancellationToken cancellationToken) =>
            {
                using var response = await http.PostAsJsonAsync(PathOf(ToolCallContext.Current!.EffectKey), n, cancellationToken);
                return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetString()!;
            }, name);

        async ValueTask<ToolCheckResult> CheckAsync(ToolCheck check, CancellationToken cancellationToken)
        {
            using var response = await http.GetAsync(PathOf(check.EffectKey), cancellationToken);
            return response.StatusCode == HttpStatusCode.NotFound
                ? ToolCheckResult.DidNotHappen
                : ToolCheckResult.Happened(await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellationToken));
        }
    }

    public static string PathOf(string effectKey) => $"charges/{Uri.EscapeDataString(effectKey)}";
}
