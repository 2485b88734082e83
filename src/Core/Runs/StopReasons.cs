using System.Text.Json;

namespace Polyphony.Core.Runs;

/// <summary>The names of stop reasons in JSON.</summary>
public static class StopReasons
{
    /// <summary>Gets a stop reason's name.</summary>
    /// <param name="reason">The reason.</param>
    /// <returns>Its name, such as <c>max_model_calls</c>.</returns>
    public static string Name(StopReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}
