using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>dialect</c> of a model: a name, or a map.</summary>
internal static class DialectReader
{
    private const string Example = "Such as dialect: vllm, or dialect: { name: vllm, structuredOutput: json_object }.";

    public static ModelDialect? Read(MapReader model, bool speaks)
    {
        var node = model.Value("dialect");
        if (node is null)
        {
            return null;
        }

        if (!speaks)
        {
            model.Invalid("dialect", "\"dialect\" is for the providers openai and azure-openai only", "Leave it out: this provider is not spoken to in one.");
            return null;
        }

        switch (node)
        {
            case SourceScalar { Value: string }:
                return Choice(model, "dialect", ModelDialect.KnownNames) is { } alone ? new ModelDialect { Name = alone } : null;
            case SourceMapping:
                var map = model.Map("dialect")!;
                var dialect = new ModelDialect
                {
                    Name = Choice(map, "name", ModelDialect.KnownNames),
                    StructuredOutput = Choice(map, "structuredOutput", ModelDialect.StructuredOutputs),
                    StrictSchemas = SourceValues.Flag(map, "strictSchemas"),
                    TokenLimit = Choice(map, "tokenLimit", ModelDialect.TokenLimits),
                    Roles = Choice(map, "roles", ModelDialect.RoleOrders),
                    SystemRole = SourceValues.Flag(map, "systemRole"),
                    Names = SourceValues.Flag(map, "names"),
                    Attachments = SourceValues.Flag(map, "attachments"),
                };
                map.Finish();
                return dialect == new ModelDialect() ? null : dialect;
            default:
                model.WrongType("dialect", node, "the name of a dialect or an object", Example);
                return null;
        }
    }

    private static string? Choice(MapReader map, string key, IReadOnlyList<string> choices) =>
        map.OneOf(key, [.. choices.Select((name, index) => (name, index))]) is { } found ? choices[found] : null;
}
