using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Tools;

/// <summary>What a tool learns of its call besides the arguments, in <see cref="AIFunctionArguments.Context"/>.</summary>
internal static class ToolCallContext
{
    private const string StepIdKey = "polyphony.stepId";

    /// <summary>Says which call it is: the same on every delivery and every attempt.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="stepId">The step.</param>
    /// <returns>The arguments.</returns>
    public static AIFunctionArguments WithStep(this AIFunctionArguments arguments, string stepId)
    {
        (arguments.Context ??= new Dictionary<object, object?>())[StepIdKey] = stepId;
        return arguments;
    }

    /// <summary>Gets which call it is; <see langword="null"/> if nobody has said so.</summary>
    /// <param name="arguments">The arguments.</param>
    public static string? StepId(this AIFunctionArguments arguments) => arguments.Context?.TryGetValue(StepIdKey, out var step) == true ? step as string : null;
}
