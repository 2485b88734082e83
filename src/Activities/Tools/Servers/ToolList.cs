using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools.Servers;

/// <summary>The tools of a server.</summary>
/// <param name="Tools">Those that can be used, by the server's names for them.</param>
/// <param name="Unusable">Those that can't, each with the reason.</param>
internal sealed record ToolList(IReadOnlyDictionary<string, ResolvedTool> Tools, IReadOnlyDictionary<string, string> Unusable)
{
    /// <summary>The most tools of a server.</summary>
    public const int MostTools = 1_000;

    private const int MostPages = 100;
    private const int LongestName = 63;
    private const int LongestDescription = 4_000;
    private const int LongestSchema = 64 * 1024;

    /// <summary>Asks a server.</summary>
    /// <param name="client">The client.</param>
    /// <param name="connection">Makes the calls.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The tools.</returns>
    public static async Task<ToolList> ReadAsync(McpClient client, ToolServerConnection connection, CancellationToken cancellationToken)
    {
        var tools = new SortedDictionary<string, ResolvedTool>(StringComparer.Ordinal);
        var unusable = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var request = new ListToolsRequestParams();
        for (var page = 0; page < MostPages && tools.Count < MostTools; page++)
        {
            var result = await client.ListToolsAsync(request, cancellationToken);
            foreach (var tool in result.Tools.Take(MostTools - tools.Count))
            {
                if (Problem(connection.Name, tool, out var parameters) is { } problem)
                {
                    unusable.TryAdd(ErrorText.Shorten(tool.Name, LongestName), problem);
                }
                else
                {
                    tools.TryAdd(tool.Name, Resolve(connection, tool, parameters!));
                }
            }

            if (result.NextCursor is not { Length: > 0 } next)
            {
                break;
            }

            request.Cursor = next;
        }

        return new ToolList(tools, unusable);
    }

    private static ResolvedTool Resolve(ToolServerConnection connection, Tool tool, JsonSchema parameters)
    {
        var function = new ServerTool(connection, tool.Name, ErrorText.Shorten(tool.Description ?? "", LongestDescription), tool.InputSchema);
        return new ResolvedTool(function, parameters)
        {
            Options = connection.Server.Idempotent.Contains(tool.Name, StringComparer.Ordinal) ? ToolOptions.OfIdempotent : ToolOptions.None,
            Hints = (tool.Annotations?.ReadOnlyHint == true ? ToolHints.ReadOnly : ToolHints.None) | (tool.Annotations?.IdempotentHint == true ? ToolHints.Idempotent : ToolHints.None),
            Timeout = connection.Server.Timeout,
        };
    }

    private static string? Problem(string server, Tool tool, out JsonSchema? parameters)
    {
        parameters = null;
        if (tool.Name.Length == 0 || tool.Name.Any(character => !char.IsAsciiLetterOrDigit(character) && character is not ('_' or '-' or '.')))
        {
            return "its name has other characters than letters, digits, \"_\", \"-\" and \".\"";
        }

        if (server.Length + 1 + tool.Name.Length > LongestName)
        {
            return $"with the server's, its name has more than {LongestName} characters";
        }

        if (tool.InputSchema.GetRawText().Length > LongestSchema)
        {
            return $"the schema of its arguments has more than {LongestSchema:N0} characters";
        }

        return JsonSchema.TryParse(tool.InputSchema, out parameters, out var problems, SchemaReading.Lenient)
            ? null
            : $"the schema of its arguments can't be checked: {ErrorText.Shorten(string.Join(" ", problems.Select(problem => problem.ToString())), 500)}";
    }
}
