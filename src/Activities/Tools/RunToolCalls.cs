using Polyphony.Activities.Payloads;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>The calls of tools that the run around the agent makes: what is left to do for an activity.</summary>
/// <param name="records">What the ledger knows of calls.</param>
/// <param name="questions">Makes what people are asked.</param>
/// <param name="values">The payloads.</param>
internal sealed class RunToolCalls(ToolRecords records, ToolQuestions questions, PayloadValues values)
{
    /// <summary>
    /// Leaves a call to the run, which starts a workflow as a child under an id of its own, once, or waits for a person; afterwards, records what came of it. What has been recorded stands.
    /// </summary>
    public async Task<ToolCallResult> MakeAsync(ToolRequest request, ToolDefinition tool, CancellationToken cancellationToken)
    {
        var call = request.Call;
        var made = call.Made ?? call.Answer;
        if (made is null && await records.FindAsync(call, cancellationToken) is { } before)
        {
            return before;
        }

        if (made is null && tool is HumanToolDefinition human)
        {
            var scope = new ArgumentScope(request.Arguments);
            if (!call.IsUnanswered)
            {
                return await questions.AskAsync(call, human, human.Prompt.Render(scope), cancellationToken);
            }

            if (human.TimeoutValue is not { } value)
            {
                return records.Failed(call, new CallError(ErrorCodes.Timeout, "Nobody has answered in time.", ErrorKind.Terminal));
            }

            made = await values.WriteAsync(call.Scope.RootInstanceId, value.Evaluate(scope).ToJson(), cancellationToken);
        }

        if (made is null)
        {
            return new ToolCallResult(null) { Given = request.Note is null ? call.Arguments : await values.WriteAsync(call.Scope.RootInstanceId, request.Arguments, cancellationToken) };
        }

        return await records.EndAsync(request, new ToolCallResult(made) { Note = request.Note }, cancellationToken);
    }
}
