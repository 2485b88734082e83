using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads an entry of <c>tools</c>.</summary>
internal static class ToolReader
{
    private const string Example = "Such as lookup: { http: { url: \"https://api.example.com/v1/items\" } }.";
    private static readonly string[] Kinds = ["http", "workflow", "human"];

    /// <summary>Reads a tool.</summary>
    /// <param name="parent">The top of the file.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>The tool; <see langword="null"/> if something is missing or wrong.</returns>
    public static ToolDefinition? Read(MapReader parent, SourceEntry entry)
    {
        var path = ParseContext.Join("tools", entry.Key);
        if (parent.CheckName(path, entry.KeyLocation, entry.Key, "tool", NameRule.Other) && entry.Key.Contains('.', StringComparison.Ordinal))
        {
            parent.Context.Error("invalid_name", path, entry.KeyLocation, $"the tool \"{entry.Key}\" of this file has a dot in its name: those are tools of servers, such as server.tool", "Use \"_\" or \"-\".");
        }

        if (entry.Value is not SourceMapping mapping)
        {
            parent.WrongTypeAt(path, entry.Value, $"the tool \"{SourceValues.Shorten(entry.Key)}\"", "an object", Example);
            return null;
        }

        var map = new MapReader(parent.Context, mapping, path, entry.KeyLocation);
        var before = map.Context.Problems.Count;
        var kind = Kinds.FirstOrDefault(map.Has);
        foreach (var other in Kinds.Where(other => other != kind && map.Has(other)))
        {
            map.Value(other);
            map.NotApplicable(other, $"a tool is of one kind: \"{kind}\" and \"{other}\" exclude each other", "Keep one of them.");
        }

        map.Explain("command", "Programs are started by the host's settings alone: \"tools.servers\" there.");
        var description = map.Text("description");
        ToolDefinition? tool = kind switch
        {
            "workflow" => ReadWorkflow(map, entry.Key, description),
            "human" => ReadHuman(map, entry.Key, description),
            _ => ReadHttp(map, entry.Key, description),
        };
        map.Finish();
        return map.Context.Problems.Count > before ? null : tool;
    }

    private static HttpToolDefinition? ReadHttp(MapReader map, string name, string? description)
    {
        var parameters = map.Schema("parameters");
        var idempotent = SourceValues.Flag(map, "idempotent");
        if (!map.Has("http"))
        {
            map.Missing("http", "the request that the tool makes; or \"workflow\", the workflow that it runs; or \"human\", what it asks a person", Example);
        }

        var request = map.Map("http") is { } http ? HttpToolReader.Read(http, name) : null;
        Refuse(map, "limits", "\"limits\" belong to a tool that runs a workflow", "Set \"timeout\" and \"maxBytes\" under \"http\".");
        return request is null ? null : new HttpToolDefinition { Name = name, Description = description, Parameters = parameters, Idempotent = idempotent, Http = request };
    }

    private static WorkflowToolDefinition? ReadWorkflow(MapReader map, string name, string? description)
    {
        var workflow = map.Text("workflow");
        var limits = map.Map("limits") is { } given ? LimitsReader.Read(given, replaces: true) : null;
        var isGood = workflow is not null && map.CheckName(map.PathOf("workflow"), map.Value("workflow")!.Location, workflow, "workflow", NameRule.Workflow);
        Refuse(map, "parameters", "the parameters of a tool with \"workflow\" are the workflow's own \"input\"", "Describe them there.");
        Refuse(map, "idempotent", "\"idempotent\" has no effect on a tool with \"workflow\": a call starts one run, whatever happens", "Remove it.");
        return isGood ? new WorkflowToolDefinition { Name = name, Description = description, Workflow = workflow!, Limits = limits } : null;
    }

    private static HumanToolDefinition? ReadHuman(MapReader map, string name, string? description)
    {
        var parameters = map.Schema("parameters");
        Refuse(map, "idempotent", "\"idempotent\" has no effect on a tool with \"human\": a call asks once, whatever happens", "Remove it.");
        Refuse(map, "limits", "\"limits\" belong to a tool that runs a workflow", "Set \"timeout\" under \"human\".");
        if (map.Map("human") is not { } human)
        {
            return null;
        }

        if (!human.Has("prompt"))
        {
            human.Missing("prompt", "what the person is asked", "Such as prompt: \"{{ args.question }}\".");
        }

        var prompt = human.Template("prompt", ExpressionPlace.Tool, name);
        var schema = human.Schema("schema");
        var timeout = human.Duration("timeout");
        var tool = new HumanToolDefinition { Name = name, Description = description, Parameters = parameters, Prompt = prompt!, Schema = schema, Timeout = timeout };
        tool = WithTimeout(human, tool);
        human.Finish();
        return prompt is null ? null : tool;
    }

    private static HumanToolDefinition WithTimeout(MapReader human, HumanToolDefinition tool)
    {
        var value = human.Value("onTimeout");
        if (value is not null && tool.Timeout is null)
        {
            human.NotApplicable("onTimeout", "\"onTimeout\" needs a timeout", "Add timeout: 24h next to it.");
        }

        switch (value)
        {
            case null or SourceScalar { Value: "error" }:
                return tool;
            case SourceScalar { Value: "fail" }:
                return tool with { FailsOnTimeout = true };
            case SourceMapping mapping when mapping.Entries.Any(each => each.Key == "value"):
                var map = new MapReader(human.Context, mapping, human.PathOf("onTimeout"), human.KeyLocation("onTimeout"));
                var answer = map.Json("value", ExpressionPlace.Tool, tool.Name);
                CheckAnswer(map, tool, answer);
                map.Finish();
                return tool with { TimeoutValue = answer };
            default:
                human.WrongType("onTimeout", value, "error, fail or { value: … }");
                return tool;
        }
    }

    /// <summary>Checks that an answer that stands in fits, unless it has expressions.</summary>
    private static void CheckAnswer(MapReader map, HumanToolDefinition tool, ValueTemplate? answer)
    {
        if (answer is null || tool.Schema is not { } schema || !map.Context.Values.TryGetValue(answer, out var json) || json.GetRawText().Contains("{{", StringComparison.Ordinal))
        {
            return;
        }

        foreach (var violation in schema.Validate(json))
        {
            map.Context.Error(
                "invalid_default",
                map.PathOf("value"),
                map.KeyLocation("value"),
                $"the default answer of {tool.Name} does not fit the schema: {(violation.Pointer.Length == 0 ? "" : violation.Pointer + ": ")}{ParseContext.Inner(violation.Message)}",
                "Change the value or the schema.");
        }
    }

    private static void Refuse(MapReader map, string key, string message, string hint)
    {
        if (map.Has(key))
        {
            map.Value(key);
            map.NotApplicable(key, message, hint);
        }
    }
}
