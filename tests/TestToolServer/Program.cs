using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Polyphony.TestToolServer;

// A server of tools for tests, over standard input and output. Its first argument names a file that it writes a line to for each thing that happens; --tell PORT sends the lines to a listener as well.
using var diary = new Diary(args);
if (args.Contains("--refuse"))
{
    await Console.Error.WriteLineAsync("I do not want to start.");
    return 3;
}

diary.Write($"started {Environment.ProcessId}");
var options = new McpServerOptions { ServerInfo = new Implementation { Name = "test-server", Version = "1.0.0" }, Handlers = new Tools(diary).Handlers };
var transport = new StdioServerTransport(options);
await using var server = McpServer.Create(transport, options);
await server.RunAsync();
diary.Write("ended");
return 0;
