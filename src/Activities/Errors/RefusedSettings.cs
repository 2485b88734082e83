using System.Globalization;
using System.Text.RegularExpressions;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Errors;

/// <summary>
/// Says which setting of the author's a server has refused, and where it stands. Such a request is not sent again without it: a temperature, tools and the length of the answer are part of
/// what was asked for, unlike the wording of the request (<see cref="Providers.OpenAI.Dialects.Refusals"/>).
/// </summary>
internal static partial class RefusedSettings
{
    /// <summary>Explains an error.</summary>
    /// <param name="error">The error, classified.</param>
    /// <param name="exception">What was thrown.</param>
    /// <param name="model">The model.</param>
    /// <param name="isOfTheWorkflow">Whether the workflow defines the model, rather than the host's settings.</param>
    /// <param name="agent">The agent that called it.</param>
    /// <returns>The error; if a setting was refused, one that names it.</returns>
    public static CallError Explain(CallError error, Exception exception, ModelDefinition model, bool isOfTheWorkflow, AgentDefinition agent)
    {
        if (exception is not ProviderException { Failure: { Status: 400 or 404 or 405 or 422 or 500 or 501 } failure } || error.Code is not (ErrorCodes.BadRequest or ErrorCodes.ModelNotFound or ErrorCodes.ProviderUnavailable))
        {
            return error;
        }

        var text = $"{failure.Message} {string.Join(' ', failure.Names)}";
        var where = isOfTheWorkflow ? $"model \"{model.Name}\" of the workflow" : $"model \"{model.Name}\" of the host's settings";
        if (agent.Tools.Count > 0 && Tools().IsMatch(text))
        {
            return Refused($"The model takes no tools here, and agent \"{agent.Name}\" has some (\"tools\"): give it another model, or a server that is set up for tools.");
        }

        if (failure.Status == 500)
        {
            // A fault of the server, which may name anything.
            return error;
        }

        if (model.Temperature is { } temperature && (failure.Names.Contains("temperature") || Temperature().IsMatch(text)))
        {
            return Refused(string.Create(CultureInfo.InvariantCulture, $"The server does not take \"temperature\": {temperature} of {where}: remove it there, or name a model that takes it."));
        }

        return model.MaxOutputTokens is { } tokens && OutputTokens().IsMatch(text)
            ? Refused(string.Create(CultureInfo.InvariantCulture, $"The server does not take \"maxOutputTokens\": {tokens} of {where}: lower it there."))
            : error;

        // Whatever the status is: the same request would be refused again.
        CallError Refused(string why) => new(ErrorCodes.BadRequest, $"{why} {HttpErrors.Said(failure)}", ErrorKind.Terminal);
    }

    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    // Ollama: "does not support tools"; OpenRouter: "No endpoints found that support tool use"; vLLM: "--enable-auto-tool-choice and --tool-call-parser"; llama.cpp: "requires --jinja".
    [GeneratedRegex(
        @"(not|n't) (currently )?(support|allow|have)( \w+){0,3} (tools?|tool[- _](use|calls?|calling|choice)|functions?|function[- _]?calls?|function[- _]calling)\b|endpoints found that support tool use|\b(tools?|tool[- _](use|calls?|calling|choice)|function[- _]?(calls?|calling)|functions)['""`]* (parameter |param |argument )?(is|are) not (supported|allowed|permitted|enabled|available)|enable-auto-tool-choice|tool-call-parser|tools param requires|(unsupported|unknown|unrecognized|unexpected|invalid) [^.]{0,30}['""` ](tools|tool_choice|functions)\b",
        Options)]
    private static partial Regex Tools();

    [GeneratedRegex(
        @"(unsupported|invalid|unknown|unrecogni[sz]ed|unexpected|not (be )?(support|allow|permit)\w*|deprecated|extra)[^.]{0,60}\btemperature\b|\btemperature\b[^.]{0,60}(unsupported|not (be )?(support|allow|permit)|must|only|range|deprecated|invalid|less than|greater than|should be|extra)",
        Options)]
    private static partial Regex Temperature();

    [GeneratedRegex(@"\b(max_tokens|max_completion_tokens|max_output_tokens|maxOutputTokens|completion tokens)\b[^.]*(too (large|high|big)|at most|must be|less than|greater than|exceed|range|maximum)|(maximum|at most)[^.]* (completion|output) tokens", Options)]
    private static partial Regex OutputTokens();
}
