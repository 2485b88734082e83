using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Testing;

/// <summary>Answers some of the calls: each answer is used in turn, the last one for all that follow.</summary>
public sealed class ModelRule
{
    private readonly ModelScript _script;
    private readonly Func<ModelCall, bool> _fits;
    private readonly List<Func<ModelCall, ChatResponse>> _answers = [];

    internal ModelRule(ModelScript script, Func<ModelCall, bool> fits) => (_script, _fits) = (script, fits);

    /// <summary>Answers with a text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>This rule.</returns>
    public ModelRule Answers(string text) => Add(_ => ModelScript.Text(text));

    /// <summary>Answers with JSON, for agents with a schema.</summary>
    /// <param name="value">The value, such as <c>new { score = 9 }</c>; written with the web defaults of System.Text.Json.</param>
    /// <returns>This rule.</returns>
    public ModelRule AnswersJson(object value) => Answers(JsonSerializer.Serialize(value, JsonSerializerOptions.Web));

    /// <summary>Answers depending on the call.</summary>
    /// <param name="answer">Returns the text.</param>
    /// <returns>This rule.</returns>
    public ModelRule Answers(Func<ModelCall, string> answer) => Add(call => ModelScript.Text(answer(call)));

    /// <summary>Answers with any response that a client can return.</summary>
    /// <param name="answer">Gives the response.</param>
    /// <returns>This rule.</returns>
    public ModelRule Responds(Func<ModelCall, ChatResponse> answer) => Add(answer);

    /// <summary>Asks for a tool.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">Its arguments, such as <c>new { id = 7 }</c>.</param>
    /// <returns>This rule.</returns>
    public ModelRule CallsTool(string tool, object? arguments = null) => Add(_ => ModelScript.ToolCall(tool, arguments));

    /// <summary>Fails like a server.</summary>
    /// <param name="code">The code: one of <see cref="ErrorCodes"/>.</param>
    /// <param name="kind">Whether another attempt may help.</param>
    /// <param name="retryAfter">How long the server asks to wait.</param>
    /// <returns>This rule.</returns>
    public ModelRule Fails(string code = ErrorCodes.ProviderUnavailable, ErrorKind kind = ErrorKind.Transient, TimeSpan? retryAfter = null) =>
        Add(_ => throw new ModelException(new CallError(code, $"The test says: {code}.", kind, (int?)retryAfter?.TotalMilliseconds)));

    private ModelRule Add(Func<ModelCall, ChatResponse> answer)
    {
        _answers.Add(answer);
        if (_answers.Count == 1)
        {
            _script.Add(_fits, _answers);
        }

        return this;
    }
}
