using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Runs;

/// <summary>Gives expressions the values of a <see cref="CallScope"/>. Pure: values in the payload store are read by somebody else, beforehand.</summary>
/// <remarks>
/// The variables are <c>input</c>, <c>nodes.NAME</c> with <c>output</c>, <c>status</c>, <c>error</c> (<c>{code, message}</c> or null) and
/// <c>errors</c> (a list, empty if none), <c>item</c> and <c>index</c> in a <c>forEach</c>, <c>round</c>, <c>instance.id</c>,
/// <c>workflow.name</c>, <c>state.NAME</c>, <c>message</c> in a workflow that handles messages, and whatever <see cref="CallScope.Variables"/> adds.
/// </remarks>
internal static class CallScopeValues
{
    internal static readonly JsonElement Null = JsonElement.Parse("null"u8);
    private static readonly JsonElement EmptyList = JsonElement.Parse("[]"u8);

    /// <summary>Lists the values that expressions read and that are in the payload store.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="references">What the expressions read; see <see cref="ExpressionSites.References"/>.</param>
    /// <returns>The payloads, each by reference; empty if the expressions can be evaluated with what is in place.</returns>
    public static IReadOnlyList<Payload> StoredValues(CallScope scope, IEnumerable<ExpressionReference> references)
    {
        List<Payload>? stored = null;
        foreach (var reference in references)
        {
            foreach (var payload in ReadBy(scope, reference.Path))
            {
                if (payload is { IsInline: false } && stored?.Contains(payload) != true)
                {
                    (stored ??= []).Add(payload);
                }
            }
        }

        return stored ?? (IReadOnlyList<Payload>)[];
    }

    private static IEnumerable<Payload?> ReadBy(CallScope scope, IReadOnlyList<string> path) => (path.Count == 0 ? "" : path[0]) switch
    {
        "input" => [scope.Input],
        "state" => ReadState(scope.State ?? EmptyState, path),
        "item" => [scope.Item],
        "nodes" when path.Count == 1 => (scope.Nodes ?? EmptyNodes).Values.SelectMany(node => ReadBy(node, null)),
        "nodes" => scope.Nodes is { } nodes && nodes.TryGetValue(path[1], out var node) ? ReadBy(node, path.Count > 2 ? path[2] : null) : [],
        "message" when VariableOf(scope, "message.output") is { } output => [output],
        var name => [VariableOf(scope, name)],
    };

    private static IEnumerable<Payload?> ReadState(IReadOnlyDictionary<string, Payload> state, IReadOnlyList<string> path) =>
        path.Count == 1 ? state.Values : state.TryGetValue(path[1], out var value) ? [value] : [];

    private static IEnumerable<Payload?> ReadBy(NodeValue node, string? member) => member switch
    {
        null => [node.Output, node.Errors],
        "output" => [node.Output],
        "errors" => [node.Errors],
        _ => [],
    };

    private static Payload? VariableOf(CallScope scope, string name) => scope.Variables?.GetValueOrDefault(name);

    /// <summary>Makes the variables of a scope.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="stored">
    /// The values of payloads that are in the store: at least those that <see cref="StoredValues"/> lists. A value that is neither in
    /// place nor here is unknown to the expressions.
    /// </param>
    /// <returns>The variables.</returns>
    public static IExpressionScope Create(CallScope scope, string workflow, IReadOnlyDictionary<Payload, JsonElement>? stored = null) =>
        new Variables(scope, workflow, stored);

    /// <summary>Gets what a site reads that is no expression of a definition but a question about variables; <see langword="null"/> for all others.</summary>
    internal static IReadOnlyList<ExpressionReference>? ReadBy(ExpressionSiteKind kind) => kind switch
    {
        ExpressionSiteKind.AnswerFits => [new(["answer"]), new(["schema"])],
        ExpressionSiteKind.QuestionBeginning => [new(["question"])],
        _ => null,
    };

    /// <summary>Answers a question about variables; <see langword="null"/> for sites that are expressions of a definition.</summary>
    internal static ExpressionValue? Evaluate(ExpressionSiteKind kind, IExpressionScope scope)
    {
        switch (kind)
        {
            case ExpressionSiteKind.AnswerFits:
                var fits = JsonSchema.TryParse(Variable(scope, "schema"), out var schema, out _) && schema.Validate(Variable(scope, "answer")).Count == 0;
                return ExpressionValue.FromBoolean(fits);
            case ExpressionSiteKind.QuestionBeginning:
                return Text(PendingWait.Shorten(TextOf(Variable(scope, "question"))));
            default:
                return null;
        }
    }

    /// <summary>A value as a person reads it: a string as is, anything else as JSON.</summary>
    internal static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static JsonElement Variable(IExpressionScope scope, string name) =>
        scope.TryGetVariable(name, out var value) ? value.ToJson() : throw new PolyphonyException("variable_missing", $"The call does not bring \"{name}\".");

    internal static ExpressionValue Text(string text) => ExpressionValue.FromJson(JsonSerializer.SerializeToElement(text, CoreJsonContext.Default.String));

    private static readonly IReadOnlyDictionary<string, NodeValue> EmptyNodes = new Dictionary<string, NodeValue>();
    private static readonly IReadOnlyDictionary<string, Payload> EmptyState = new Dictionary<string, Payload>();

    private sealed class Variables(CallScope scope, string workflow, IReadOnlyDictionary<Payload, JsonElement>? stored) : IExpressionScope
    {
        private ExpressionValue? _nodes;

        public bool TryGetVariable(string name, out ExpressionValue value)
        {
            switch (name)
            {
                case "input":
                    return TryGet(scope.Input ?? Payload.Null, out value);
                case "nodes":
                    value = _nodes ??= Nodes();
                    return true;
                case "item" when scope.Item is not null:
                    return TryGet(scope.Item, out value);
                case "index" when scope.Index is not null:
                    value = Number(scope.Index.Value);
                    return true;
                case "round":
                    value = Number(scope.Round);
                    return true;
                case "instance":
                    value = Map(("id", Text(scope.InstanceId)));
                    return true;
                case "workflow":
                    value = Map(("name", Text(workflow)));
                    return true;
                case "message" when scope.Variables is { } values && values.TryGetValue("message.output", out var output):
                    value = Message(values["message"], output);
                    return true;
                default:
                    return TryGetOther(name, out value);
            }
        }

        private bool TryGetOther(string name, out ExpressionValue value)
        {
            if (scope.Variables is { } variables && variables.TryGetValue(name, out var payload))
            {
                return TryGet(payload, out value);
            }

            if (name == "state")
            {
                value = State();
                return true;
            }

            value = name != "message" ? default : scope.Message is { } handled ? Message(handled) : ExpressionValue.FromJson(Null);
            return name == "message";
        }

        private ExpressionValue State()
        {
            var members = new Dictionary<string, ExpressionValue>(StringComparer.Ordinal);
            foreach (var (name, payload) in scope.State ?? EmptyState)
            {
                if (TryGet(payload, out var member))
                {
                    members[name] = member;
                }
            }

            return ExpressionValue.FromMembers(members);
        }

        private static ExpressionValue Message(MessageScope message) => Map(
            ("id", Text(message.Id)),
            ("topic", Text(message.Topic)),
            ("source", Text(message.Source)),
            ("time", Text(message.Time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture))),
            ("attempt", Number(message.Attempt)));

        private ExpressionValue Nodes()
        {
            var nodes = new Dictionary<string, ExpressionValue>(StringComparer.Ordinal);
            foreach (var (name, node) in scope.Nodes ?? EmptyNodes)
            {
                var members = new Dictionary<string, ExpressionValue>(StringComparer.Ordinal) { ["status"] = Text(node.Status) };
                if (TryGet(node.Output ?? Payload.Null, out var output))
                {
                    members["output"] = output;
                }

                if (node.Errors is null)
                {
                    members["errors"] = ExpressionValue.FromJson(EmptyList);
                }
                else if (TryGet(node.Errors, out var errors))
                {
                    members["errors"] = errors;
                }

                members["error"] = node.Error is { } error
                    ? Map(("code", Text(error.Code)), ("message", Text(error.Message)))
                    : ExpressionValue.FromJson(Null);
                nodes[name] = ExpressionValue.FromMembers(members);
            }

            return ExpressionValue.FromMembers(nodes);
        }

        /// <summary>A message is made of a part in place and its output, which may be in the store.</summary>
        private ExpressionValue Message(Payload message, Payload output)
        {
            var members = new Dictionary<string, ExpressionValue>(StringComparer.Ordinal);
            foreach (var member in message.Json!.Value.EnumerateObject())
            {
                members[member.Name] = ExpressionValue.FromJson(member.Value);
            }

            if (TryGet(output, out var value))
            {
                members["output"] = value;
                var json = value.ToJson();
                members["text"] = json.ValueKind == JsonValueKind.String ? value : Text(json.GetRawText());
                members["handoff"] = json.ValueKind == JsonValueKind.Object && json.TryGetProperty("handoff", out var handoff) && handoff.ValueKind == JsonValueKind.String
                    ? ExpressionValue.FromJson(handoff)
                    : Text("");
            }

            return ExpressionValue.FromMembers(members);
        }

        private bool TryGet(Payload payload, out ExpressionValue value)
        {
            if (payload.IsInline)
            {
                value = ExpressionValue.FromJson(payload.Json!.Value);
                return true;
            }

            var found = stored is not null && stored.TryGetValue(payload, out var json);
            value = found ? ExpressionValue.FromJson(stored![payload]) : default;
            return found;
        }

        private static ExpressionValue Number(int number) => ExpressionValue.FromJson(JsonElement.Parse(System.Text.Encoding.UTF8.GetBytes($"{number}")));

        private static ExpressionValue Map(params ReadOnlySpan<(string Name, ExpressionValue Value)> members)
        {
            var map = new Dictionary<string, ExpressionValue>(StringComparer.Ordinal);
            foreach (var (name, value) in members)
            {
                map[name] = value;
            }

            return ExpressionValue.FromMembers(map);
        }
    }
}
