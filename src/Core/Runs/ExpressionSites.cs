using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Core.Runs;

/// <summary>Finds and evaluates the expression that an <see cref="ExpressionSite"/> names. The interpreter and the activities use the same code, so that it makes no difference where an expression is evaluated.</summary>
internal static class ExpressionSites
{
    private static readonly JsonElement True = JsonElement.Parse("true"u8);

    /// <summary>Gets what an expression reads.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="node">The node; ignored for <see cref="ExpressionSiteKind.When"/>, <see cref="ExpressionSiteKind.Termination"/> and <see cref="ExpressionSiteKind.Output"/>.</param>
    /// <param name="site">Which expression.</param>
    /// <returns>
    /// The references; none if the expression is optional and not there. For the prompt of a node that asks agents they include those of their
    /// instructions, and of the agent that stands in for it.
    /// </returns>
    /// <exception cref="PolyphonyException"><c>expression_site_unknown</c>: the definition has no such node or edge.</exception>
    public static IReadOnlyList<ExpressionReference> References(WorkflowDefinition definition, string node, ExpressionSite site)
    {
        if (CallScopeValues.ReadBy(site.Kind) is { } variables)
        {
            return variables;
        }

        if (site.Kind == ExpressionSiteKind.TeamTermination)
        {
            // Together: a team gets what any of its conditions reads.
            var team = NodeOf(definition, node, site);
            return [.. TerminationConditions(team.Kind.TerminationOf(team)).SelectMany(condition => ExpressionOf(condition)!.References)];
        }

        if (site is { Kind: ExpressionSiteKind.Write, Index: < 0 })
        {
            return [.. NodeOf(definition, node, site).Writes.SelectMany(write => write.Value.References)];
        }

        var found = Find(definition, node, site);
        var references = found switch
        {
            Expression expression => expression.References,
            Template template => template.References,
            ValueTemplate template => template.References,
            StateWrite write => write.Value.References,
            _ => [],
        };
        return site.Kind == ExpressionSiteKind.Prompt && NodeOf(definition, node, site) is var asking && asking.Kind.AgentsOf(asking, []).ToArray() is { Length: > 0 } agents
            ? [.. references, .. agents.SelectMany(agent => InstructionsOf(definition, agent)), .. InstructionsOf(definition, asking.OnError.Agent)]
            : references;
    }

    /// <summary>Evaluates an expression. Prompts and escalations give a text, conditions that are not there hold, other values that are not there are null.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="node">The node, as for <see cref="References"/>.</param>
    /// <param name="site">Which expression.</param>
    /// <param name="scope">The values; see <see cref="CallScopeValues"/>.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">It failed.</exception>
    /// <exception cref="CallFailedException">What is to be written to the state does not fit.</exception>
    /// <exception cref="PolyphonyException"><c>expression_site_unknown</c>: the definition has no such node or edge.</exception>
    public static ExpressionValue Evaluate(WorkflowDefinition definition, string node, ExpressionSite site, IExpressionScope scope) => CallScopeValues.Evaluate(site.Kind, scope) ?? Find(definition, node, site) switch
    {
        Expression expression => expression.Evaluate(scope),
        Template template when site.Kind is ExpressionSiteKind.Prompt or ExpressionSiteKind.Escalation => CallScopeValues.Text(template.Render(scope)),
        Template template => template.Evaluate(scope),
        StateWrite write => ExpressionValue.FromJson(StateReducers.ToWrite(definition.FindState(write.Name)!, write.Value.Evaluate(scope).ToJson())),
        ValueTemplate template => template.Evaluate(scope),
        _ when site.Kind == ExpressionSiteKind.When => ExpressionValue.FromJson(True),
        _ => ExpressionValue.FromJson(CallScopeValues.Null),
    };

    /// <summary>Lists the conditions about single messages in document order, depth first: <see cref="ExpressionSite.Index"/> is a place in this list.</summary>
    /// <param name="termination">The condition, or <see langword="null"/>.</param>
    /// <returns>The conditions: text mentions, handoffs and expressions.</returns>
    public static IReadOnlyList<TerminationCondition> TerminationConditions(TerminationCondition? termination) =>
        termination is null ? [] : [.. Leaves(termination).Where(leaf => leaf is TextMentionTermination or HandoffTermination or ExpressionTermination)];

    /// <summary>Lists the conditions that are not made of others, in document order, depth first.</summary>
    /// <param name="termination">The condition.</param>
    /// <returns>The conditions.</returns>
    public static IEnumerable<TerminationCondition> Leaves(TerminationCondition termination) => termination switch
    {
        AnyTermination any => any.Conditions.SelectMany(Leaves),
        AllTermination all => all.Conditions.SelectMany(Leaves),
        var leaf => [leaf],
    };

    private static Expression? ExpressionOf(TerminationCondition condition) => condition switch
    {
        ExpressionTermination expression => expression.When,
        TextMentionTermination mention => Parse($"message.text.contains({Quote(mention.Text)})"),
        HandoffTermination handoff => Parse($"message.handoff == {Quote(handoff.Target)}"),
        _ => null,
    };

    private static Expression Parse(string text) =>
        Expression.TryParse(text, out var expression, out var problems) ? expression : throw new ExpressionException(text, problems[0]);

    // JSON's escapes are a part of CEL's.
    private static string Quote(string text) => JsonSerializer.Serialize(text, Json.CoreJsonContext.Default.String);

    private static object? Find(WorkflowDefinition definition, string node, ExpressionSite site)
    {
        switch (site.Kind)
        {
            case ExpressionSiteKind.Output:
                return definition.Output ?? definition.DefaultOutput;
            case ExpressionSiteKind.When:
                var edges = definition.Graph.Edges;
                return site.Index >= 0 && site.Index < edges.Length ? edges[site.Index].Definition.When : throw Unknown(definition, node, site);
            case ExpressionSiteKind.Termination:
                return ConditionOf(definition.Termination);
            case ExpressionSiteKind.TeamTermination:
                var team = NodeOf(definition, node, site);
                return ConditionOf(team.Kind.TerminationOf(team));
        }

        var found = NodeOf(definition, node, site);
        return site.Kind switch
        {
            ExpressionSiteKind.ForEach => found.ForEach,
            ExpressionSiteKind.ErrorValue => found.OnError.Value,
            ExpressionSiteKind.Write => site.Index < found.Writes.Count ? found.Writes[site.Index] : throw Unknown(definition, node, site),
            ExpressionSiteKind.Lock => found.Lock,
            var kind when found.Kind.Reads.Contains(kind) => found.Kind.ExpressionOf(found, kind),
            _ => throw Unknown(definition, node, site),
        };

        Expression? ConditionOf(TerminationCondition? termination)
        {
            var conditions = TerminationConditions(termination);
            return site.Index >= 0 && site.Index < conditions.Count ? ExpressionOf(conditions[site.Index]) : throw Unknown(definition, node, site);
        }
    }

    private static NodeDefinition NodeOf(WorkflowDefinition definition, string node, ExpressionSite site) =>
        definition.Graph.Find(node) ?? throw Unknown(definition, node, site);

    private static IReadOnlyList<ExpressionReference> InstructionsOf(WorkflowDefinition definition, string? agent) =>
        agent is not null && definition.Agents.TryGetValue(agent, out var found) && found.Instructions is { } instructions ? instructions.References : [];

    private static PolyphonyException Unknown(WorkflowDefinition definition, string node, ExpressionSite site) => new(
        "expression_site_unknown",
        $"Workflow \"{definition.Name}\" ({definition.Hash}) has no expression {site.Kind} {site.Index} at node \"{node}\". The call and the definition do not belong together.");
}
