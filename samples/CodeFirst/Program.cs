// A workflow in C#, for logic that a file can't express: a reading list that grows while it is worked on.
//   dotnet run --project samples/CodeFirst -- docs
// It is durable like any other: stop it in the middle (Ctrl-C, kill -9), run it again, and it goes on without asking twice.
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Engine;

var folder = Path.GetFullPath(args.Length > 0 ? args[0] : "docs");
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"There is no folder \"{folder}\". Name one with Markdown files: dotnet run --project samples/CodeFirst -- docs");
    return 2;
}

// Models and agents as in a file. With OpenAI: .Model("fast", "openai", "gpt-4.1-mini"), and OpenAIProvider beside OfflineProvider below.
var code = new CodeWorkflows().Add(
    new WorkflowBuilder("reading-list")
        .Limits(new WorkflowLimits { MaxConcurrency = 5 })
        .Model("fast", "offline")
        .Agent("reader", "fast", "You sum up a document in two sentences.")
        .Agent("writer", "fast", "You write one paragraph from notes."),
    ReadAsync);

Directory.CreateDirectory(".polyphony");
await using var engine = await EmbeddedEngine.StartAsync(
    new EngineOptions { Path = ".polyphony/code-first.db" },
    (engine, registry) =>
    {
        new PolyphonyActivities(
            new ActivitiesOptions(),
            engine.Payloads,
            engine.Ledger,
            engine.Definitions,
            new ModelRegistry([new OfflineProvider()]),
            new FileTools(folder).Register(new ToolRegistry()),
            TimeProvider.System,
            NullLoggerFactory.Instance).Register(registry);
        registry.AddWorkflows(engine.Definitions, InterpreterOptions.InMemory, code);
    });
var client = new WorkflowClient(engine.Client, new CodeCatalog(code), engine.Definitions, engine.Payloads, ledger: engine.Ledger);

// One instance per folder and day: run again, it is the same one.
var id = $"reading-list:{DateTime.UtcNow:yyyy-MM-dd}:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(folder)))[..8]}";
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
