using System.Text.Json;
using Polyphony.Expressions;

namespace Polyphony.Activities.Tools;

/// <summary>What expressions about a tool call read: <c>args</c>, its arguments.</summary>
/// <param name="arguments">The arguments.</param>
internal sealed class ArgumentScope(JsonElement arguments) : IExpressionScope
{
    public bool TryGetVariable(string name, out ExpressionValue value)
    {
        value = name == "args" ? ExpressionValue.FromJson(arguments) : default!;
        return name == "args";
    }
}
