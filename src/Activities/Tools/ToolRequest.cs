using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>A call that is ready to be made.</summary>
/// <param name="Call">The call.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Arguments">The arguments, which fit its parameters.</param>
/// <param name="IsIdempotent">Whether a call that may have happened may be made again.</param>
internal sealed record ToolRequest(ToolCall Call, ResolvedTool Tool, JsonElement Arguments, bool IsIdempotent)
{
    /// <summary>Gets what the model has to know beside the result.</summary>
    public string? Note { get; init; }

    /// <summary>Gets the call as the ledger keeps it.</summary>
    public LedgerRequest Step => new(Call.StepId, Call.Scope.RootInstanceId, "", Call.Tool, HashOf(Arguments));

    /// <summary>Makes the hash by which the ledger tells arguments apart.</summary>
    /// <param name="arguments">The arguments.</param>
    public static string HashOf(JsonElement arguments) => Convert.ToHexStringLower(SHA256.HashData(JsonMarshal.GetRawUtf8Value(arguments)));
}
