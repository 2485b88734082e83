using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers.OpenAI.Dialects;

/// <summary>How requests are worded for one server: a row of the table in <see cref="KnownDialects"/>, with what the model says by hand and what the server has refused. The members are those of <see cref="ModelDialect"/>.</summary>
/// <param name="StructuredOutput">How structured output is asked for.</param>
/// <param name="StrictSchemas">Whether schemas that qualify are marked as strict.</param>
/// <param name="TokenLimit">The name of the token limit.</param>
/// <param name="Roles">How roles are ordered.</param>
/// <param name="SystemRole">Whether messages of the role <c>system</c> are taken.</param>
/// <param name="Names">Whether messages may carry the name of their author.</param>
/// <param name="Attachments">Whether images, documents and sounds are taken.</param>
internal sealed record ServerDialect(string StructuredOutput, bool StrictSchemas, string TokenLimit, string Roles, bool SystemRole, bool Names, bool Attachments = true)
{
    /// <summary>Says what this dialect has otherwise than another, as <c>dialect</c> of a model says it.</summary>
    /// <param name="other">The other.</param>
    public string Beside(ServerDialect other) =>
        string.Join(", ", Members().Zip(other.Members()).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First.Name}: {pair.First.Value}"));

    private IEnumerable<(string Name, string Value)> Members() =>
    [
        ("structuredOutput", StructuredOutput), ("strictSchemas", Text(StrictSchemas)), ("tokenLimit", TokenLimit), ("roles", Roles), ("systemRole", Text(SystemRole)), ("names", Text(Names)),
        ("attachments", Text(Attachments)),
    ];

    private static string Text(bool value) => value ? "true" : "false";
}
