using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Instances;

/// <summary>The body of a start. Every field may be left out; others are refused.</summary>
internal record StartInstance
{
    internal const int MaxTags = 16;
    internal const int MaxTagName = 100;
    internal const int MaxTagValue = 200;

    /// <summary>Gets the workflow's input. Default: an empty object.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>Gets the instance's id: 1 to 100 letters, digits, '-', '_', '.' or ':', the first a letter or digit; used once, ever. Default: a new one.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Gets when it may begin. Default: at once.</summary>
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>Gets tags to keep with it: at most 16, names of 1 to 100 characters without '=', and values up to 200 characters.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Gets limits that replace the workflow's own.</summary>
    public RunLimits? Limits { get; init; }

    /// <summary>Reads a body.</summary>
    /// <param name="body">The body; <see langword="null"/> stands for an empty object.</param>
    /// <param name="allowDefinition">Whether the body may and must carry an inline definition.</param>
    /// <returns>What was read.</returns>
    /// <exception cref="RequestProblemException">Something is wrong with it; everything is listed.</exception>
    internal static StartDefinition Read(JsonElement? body, bool allowDefinition)
    {
        var problems = new List<ProblemItem>();
        var fields = Open(body ?? JsonElement.Parse("{}"), "{\"input\": …}", problems);
        var start = ReadFields(fields, new StartDefinition(), problems);
        if (allowDefinition)
        {
            start = start with { Definition = fields.Any("definition"), Uses = ReadUses(fields, problems) };
            if (start.Definition is not { ValueKind: JsonValueKind.Object })
            {
                problems.Add(new ProblemItem("\"definition\" must be a workflow, an object.", ProblemCodes.InvalidRequest, "/definition"));
            }
        }

        fields.RefuseOthers();
        return problems.Count == 0 ? start : throw RequestProblemException.Of(problems);
    }

    /// <summary>Opens a body for reading.</summary>
    /// <exception cref="RequestProblemException">It is not an object.</exception>
    private protected static FieldReader Open(JsonElement body, string example, List<ProblemItem> problems) => body.ValueKind == JsonValueKind.Object
        ? new FieldReader(body, "", problems)
        : throw new RequestProblemException(
            ProblemCodes.InvalidRequest, $"The body must be an object such as {example}; found {FieldReader.Shorten(body.GetRawText())}.");

    /// <summary>Reads the fields that every start has.</summary>
    private protected static T ReadFields<T>(FieldReader fields, T start, List<ProblemItem> problems)
        where T : StartInstance
    {
        start = start with
        {
            Input = ReadInput(fields, problems),
            InstanceId = ReadId(fields, problems),
            StartAt = fields.Time("startAt"),
            Tags = fields.Texts("tags", MaxTags, MaxTagName, MaxTagValue),
            Limits = ReadLimits(fields),
        };
        foreach (var name in start.Tags?.Keys.Where(name => name.Contains('=', StringComparison.Ordinal)) ?? [])
        {
            problems.Add(new ProblemItem($"The name of tag \"{FieldReader.Shorten(name)}\" must not hold '=', which separates name and value in filters.", ProblemCodes.InvalidRequest, "/tags"));
        }

        foreach (var reserved in start.Tags?.Keys.Where(IsReserved) ?? [])
        {
            problems.Add(new ProblemItem($"Tag \"{reserved}\" is set by the host; choose another name.", ProblemCodes.InvalidRequest, $"/tags/{reserved}"));
        }

        return start;
    }

    private static JsonElement? ReadInput(FieldReader fields, List<ProblemItem> problems)
    {
        var input = fields.Any("input");
        if (input is { } value && StrictJson.FindProblem(value) is { } problem)
        {
            problems.Add(new ProblemItem($"\"input\" cannot be accepted: {problem}.", ProblemCodes.InvalidJson, "/input"));
        }

        return input;
    }

    private static string? ReadId(FieldReader fields, List<ProblemItem> problems)
    {
        if (fields.Text("instanceId", DurableLimits.MaxInstanceIdLength) is not { } id)
        {
            return null;
        }

        try
        {
            WorkflowClient.CheckInstanceId(id);
        }
        catch (InstanceIdInvalidException e)
        {
            problems.Add(new ProblemItem(e.Message, e.Code, "/instanceId"));
        }

        return id;
    }

    private static RunLimits? ReadLimits(FieldReader fields)
    {
        if (fields.Object("limits") is not { } limits)
        {
            return null;
        }

        var read = new RunLimits(
            (int?)limits.Whole("maxConcurrency", 1, 1000),
            (int?)limits.Whole("maxModelCalls", 1, int.MaxValue),
            limits.Whole("maxTokens", 1, long.MaxValue),
            limits.Number("maxCostUsd", 0, 1_000_000),
            limits.Whole("timeoutMs", 1, (long)TimeSpan.FromDays(3650).TotalMilliseconds));
        limits.RefuseOthers();
        return read;
    }

    private static IReadOnlyList<JsonElement>? ReadUses(FieldReader fields, List<ProblemItem> problems)
    {
        if (fields.Any("uses") is not { } uses)
        {
            return null;
        }

        if (uses.ValueKind == JsonValueKind.Array && uses.EnumerateArray().All(each => each.ValueKind == JsonValueKind.Object))
        {
            return [.. uses.EnumerateArray()];
        }

        problems.Add(new ProblemItem("\"uses\" must be an array of workflows.", ProblemCodes.InvalidRequest, "/uses"));
        return null;
    }

    /// <summary>Whether the host itself keeps a tag of that name.</summary>
    internal static bool IsReserved(string tag) =>
        tag is WorkflowClient.WorkflowTag or WorkflowClient.VersionTag or WorkflowClient.DefinitionTag or IdempotencyKey.Tag;
}

/// <summary>The body of a start with an inline definition.</summary>
internal sealed record StartDefinition : StartInstance
{
    /// <summary>Gets the workflow: the format of a workflow file, as JSON.</summary>
    public JsonElement? Definition { get; init; }

    /// <summary>Gets workflows that it uses and that the host does not know.</summary>
    public IReadOnlyList<JsonElement>? Uses { get; init; }
}
