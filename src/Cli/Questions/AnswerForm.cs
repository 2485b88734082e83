using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;
using Polyphony.Http.Approvals;

namespace Polyphony.Cli.Questions;

/// <summary>Asks a person for the answer to a question, field by field, by the schema of the answer.</summary>
/// <param name="lines">Where to ask.</param>
internal sealed class AnswerForm(ILines lines)
{
    private const string Whole = "answer";
    private const string Change = "change";

    private readonly FieldPrompt _fields = new(lines);

    /// <summary>Shows a question, asks for its answer, checks it and has it confirmed.</summary>
    /// <param name="question">The question.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <returns>The answer; it fits the schema. <see langword="null"/> if the person does not want to send it.</returns>
    /// <exception cref="FormEndedException">The person has ended the input.</exception>
    public async Task<JsonElement?> AskAsync(Approval question, CancellationToken cancellationToken)
    {
        lines.WriteLine(Heading(question));
        lines.WriteLine($"  {PlainText.Of(question.Prompt?.TrimEnd() ?? "").ReplaceLineEndings($"{Environment.NewLine}  ")}");
        var schema = question.Schema is { } json && JsonSchema.TryParse(json, out var parsed, out _) ? parsed : null;
        JsonElement? earlier = null;
        while (true)
        {
            var answer = await AskAsync(question, schema?.Field, earlier, cancellationToken);
            earlier = answer;
            if (schema?.Validate(answer) is { Count: > 0 } violations)
            {
                foreach (var violation in violations)
                {
                    _fields.WriteProblem(violation.ToString());
                }

                lines.WriteLine("The answer as a whole does not fit. Once more; Enter keeps what was entered.");
                continue;
            }

            lines.WriteLine("");
            lines.WriteLine($"The answer: {PlainText.Of(JsonText.Of(answer))}");
            switch (await _fields.ChooseAsync("Send it?", [("yes", null), ("no", "send nothing"), (Change, "go through it again")], "yes", cancellationToken))
            {
                case "yes":
                    return answer;
                case "no":
                    return null;
            }
        }
    }

    private static string Heading(Approval question) =>
        PlainText.Line($"{question.Activation} of {question.InstanceId} asks{(question.Assignee is null ? "" : $" {question.Assignee}")}{(question.Until is { } until ? $" (until {until:u})" : "")}:");

    private async Task<JsonElement> AskAsync(Approval question, SchemaField? form, JsonElement? earlier, CancellationToken cancellationToken)
    {
        if (form is null || form.Types is not (SchemaTypes.Object or SchemaTypes.None) || form.Members.Count == 0)
        {
            return (await _fields.AskAsync(form ?? new SchemaField("", null, isRequired: true), Whole, earlier, cancellationToken))!.Value;
        }

        return question.Tool is null
            ? await AskMembersAsync(form, "", earlier, cancellationToken)
            : await AskDecisionAsync(question, form.Members.ToDictionary(member => member.Name, StringComparer.Ordinal), earlier, cancellationToken);
    }

    private async Task<JsonElement> AskMembersAsync(SchemaField form, string prefix, JsonElement? earlier, CancellationToken cancellationToken)
    {
        var answer = new JsonObject();
        if (earlier is { ValueKind: JsonValueKind.Object } before)
        {
            // What the form does not name stays as it was.
            foreach (var other in before.EnumerateObject().Where(each => !form.Members.Any(member => member.Name == each.Name)))
            {
                answer[other.Name] = TextValue.Node(other.Value);
            }
        }

        foreach (var member in form.Members)
        {
            if (await _fields.AskAsync(member, prefix + member.Name, Member(earlier, member.Name), cancellationToken) is { } value)
            {
                answer[member.Name] = TextValue.Node(value);
            }
        }

        return TextValue.Element(answer);
    }

    /// <summary>Asks about a tool call: what follows depends on the decision.</summary>
    private async Task<JsonElement> AskDecisionAsync(Approval question, Dictionary<string, SchemaField> members, JsonElement? earlier, CancellationToken cancellationToken)
    {
        List<(string, string?)> choices = [.. members[ToolDecisions.Decision].Choices.Select(choice => (choice.Value.GetString()!, (string?)null))];
        if (members.ContainsKey(ToolDecisions.Arguments))
        {
            choices.Insert(1, (Change, "approve with other arguments"));
        }

        lines.WriteLine("");
        lines.WriteLine($"{ToolDecisions.Decision} (required)");
        if (members[ToolDecisions.Decision].Description is { } description)
        {
            lines.WriteLine($"  {PlainText.Line(description)}");
        }

        var decision = await _fields.ChooseAsync(ToolDecisions.Decision, choices, null, cancellationToken);
        var answer = new JsonObject { [ToolDecisions.Decision] = decision == Change ? ToolDecisions.Approve : decision };
        if (decision == Change && await AskArgumentsAsync(members[ToolDecisions.Arguments], Member(earlier, ToolDecisions.Arguments) ?? question.Arguments, cancellationToken) is { } arguments
            && !(question.Arguments is { } asked && JsonElement.DeepEquals(arguments, asked)))
        {
            answer[ToolDecisions.Arguments] = TextValue.Node(arguments);
        }

        var further = decision switch { ToolDecisions.Refuse => ToolDecisions.Reason, ToolDecisions.Happened => ToolDecisions.Result, _ => null };
        if (further is not null && members.TryGetValue(further, out var field)
            && await _fields.AskAsync(field, further, Member(earlier, further), cancellationToken) is { } value)
        {
            answer[further] = TextValue.Node(value);
        }

        return TextValue.Element(answer);
    }

    private async Task<JsonElement?> AskArgumentsAsync(SchemaField field, JsonElement? current, CancellationToken cancellationToken) => field.Members.Count == 0
        ? await _fields.AskAsync(field, ToolDecisions.Arguments, current, cancellationToken)
        : await AskMembersAsync(field, $"{ToolDecisions.Arguments}.", current, cancellationToken);

    private static JsonElement? Member(JsonElement? value, string name) =>
        value is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty(name, out var member) ? member : null;
}
