using System.Text.Json;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Instances;

/// <summary>A message that starts a workflow: the body of a start over HTTP, and which workflow. Other fields are refused.</summary>
internal sealed record StartMessage : StartInstance
{
    private const int MaxWorkflowName = 100;

    /// <summary>Gets the workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Reads a message.</summary>
    /// <param name="body">The message.</param>
    /// <returns>What was read.</returns>
    /// <exception cref="RequestProblemException">Something is wrong with it; everything is listed.</exception>
    internal static StartMessage Read(JsonElement body)
    {
        var problems = new List<ProblemItem>();
        var fields = Open(body, "{\"workflow\": \"NAME\", \"input\": …}", problems);
        var workflow = fields.Text("workflow", MaxWorkflowName);
        if (workflow is null && problems.Count == 0)
        {
            problems.Add(new ProblemItem("\"workflow\" is missing: the name of the workflow to start.", ProblemCodes.InvalidRequest, "/workflow"));
        }

        var message = ReadFields(fields, new StartMessage { Workflow = workflow ?? "" }, problems);
        fields.RefuseOthers();
        return problems.Count == 0 ? message : throw RequestProblemException.Of(problems);
    }
}
