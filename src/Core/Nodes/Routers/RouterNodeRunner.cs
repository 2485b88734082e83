using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Routers;

/// <summary>Asks the agent, and takes the fallback if it names no node.</summary>
internal sealed class RouterNodeRunner(AgentNodeRunner agents) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var router = (RouterNode)activation.Node;
        var result = await agents.RunAsync(activation, router.Agent, 1, limit);
        return (router.Fallback, result) switch
        {
            (null, _) or (_, { IsStopped: true }) => result,
            ({ } fallback, { Error: { Code: ErrorCodes.OutputInvalid or ErrorCodes.EmptyAnswer } error }) =>
                result with { Error = null, Output = RouterAnswer.Of(fallback, $"The fallback: {ErrorText.Shorten(error.Message)}") },
            ({ } fallback, { Output: { } answer }) when RouterAnswer.IsNone(answer) => result with { Output = RouterAnswer.Of(fallback, $"The fallback: {answer.Json!.Value.GetProperty("reason").GetString()}") },
            _ => result,
        };
    }
}
