// A workflow in C#, for logic that a file can't express: a reading list that grows while it is worked on.
//   dotnet run --project samples/CodeFirst -- docs
// It is durable like any other: stop it in the middle (Ctrl-C, kill -9), run it again, and it goes on without asking twice.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Hosting;

var folder = Path.GetFullPath(args.Length > 0 ? args[0] : "docs");
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"There is no folder \"{folder}\". Name one with Markdown files: dotnet run --project samples/CodeFirst -- docs");
    return 2;
}

// Models and agents as in a file. With OpenAI: .Model("fast", "openai", "gpt-4.1-mini").
var workflow = new WorkflowBuilder("reading-list")
    .Limits(new WorkflowLimits { MaxConcurrency = 5 })
    .Model("fast", "offline")
    .Agent("reader", "fast", "You sum up a document in two sentences.")
    .Agent("writer", "fast", "You write one paragraph from notes.");

var builder = Host.CreateApplicationBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.AddPolyphony(options =>
{
    options.DataFolder = ".polyphony/code-first";
    options.FilesFolder = folder;
}).AddCodeWorkflow(workflow, ReadAsync);
using var host = builder.Build();
await host.StartAsync();
var client = host.Services.GetRequiredService<WorkflowClient>();

// One instance per folder and day: run again, it is the same one.
var id = $"reading-list:{DateTime.UtcNow:yyyy-MM-dd}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..8]}";
try
{
    await client.StartAsync("reading-list", JsonSerializer.SerializeToElement(new { pattern = "*.md" }), new StartWorkflowOptions { InstanceId = id });
}
catch (InstanceExistsException)
{
    Console.Error.WriteLine($"Going on with {id}.");
}

await client.Durable.WaitForCompletionAsync(id);
var status = (await client.GetAsync(id))!;
Console.WriteLine(status.Output?.GetRawText() ?? status.Error?.Message);
await host.StopAsync();
return status.StopReason == StopReason.Completed ? 0 : 1;

static async Task<JsonElement?> ReadAsync(CodeWorkflow workflow, JsonElement input)
{
    var listed = await workflow.CallToolAsync("list_files", JsonSerializer.SerializeToElement(new { folder = ".", pattern = input.GetProperty("pattern").GetString() }));
    var known = listed.Json!.Value.EnumerateArray().Select(path => path.GetString()!).ToList();
    var open = new Queue<string>(known.Take(1));
    var read = new HashSet<string>(StringComparer.Ordinal);
    var notes = new Dictionary<string, Payload>(StringComparer.Ordinal);
    while (open.Count > 0)
    {
        // All that is open at once; what they mention is next.
        var batch = open.Where(read.Add).ToList();
        open.Clear();
        var texts = await Task.WhenAll(batch.Select(path => workflow.CallToolAsync("read_file", JsonSerializer.SerializeToElement(new { path }))));
        var answers = await Task.WhenAll(texts.Select(text => workflow.CallAgentAsync("reader", "{{ document.text }}", Variables("document", text))));
        for (var i = 0; i < batch.Count; i++)
        {
            notes[batch[i]] = answers[i];
            foreach (var path in known.Where(path => answers[i].Json?.ToString().Contains(Path.GetFileNameWithoutExtension(path), StringComparison.OrdinalIgnoreCase) == true))
            {
                open.Enqueue(path);
            }
        }
    }

    var all = Payload.Inline(JsonSerializer.SerializeToElement(notes.ToDictionary(pair => pair.Key, pair => pair.Value.Json?.ToString())));
    var report = await workflow.CallAgentAsync("writer", "{{ toJson(notes) }}", Variables("notes", all));
    return JsonSerializer.SerializeToElement(new { read, report = report.Json });

    static Dictionary<string, Payload> Variables(string name, Payload value) => new(StringComparer.Ordinal) { [name] = value };
}
