using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Nodes.Teams;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Activities.Agents;

/// <summary>
/// Renders an agent call into what its model reads. In this order: the instructions and the output schema as the system message;
/// the earlier messages; the prompt as the user message; the rounds of tool calls; the request to repair an answer.
/// </summary>
/// <remarks>
/// An earlier message of the same agent has the role <c>assistant</c>. All others have the role <c>user</c>, so that a model does not
/// take for its own what another has said; they carry the author's name, and a first line that names node and author, because
/// not every provider shows names to the model. The list of a <c>forEach</c> is one message with its items numbered.
/// </remarks>
internal sealed class ConversationBuilder(PayloadValues values, ToolRegistry tools, RunTools runTools)
{
    // In characters. The prompts of workflows in C# come with the call; the text is often the same, and what differs comes from variables.
    private const long PromptCapacity = 1024 * 1024;
    private readonly WeightedCache<Template> _prompts = new(PromptCapacity);

    public async Task<Conversation> BuildAsync(
        AgentCall call, WorkflowDefinition definition, AgentDefinition agent, ModelDefinition model, CancellationToken cancellationToken)
    {
        var prompt = await PromptAsync(call, definition, cancellationToken);
        var context = await ContextAsync(call, cancellationToken);
        var rounds = await RoundsAsync(call, cancellationToken);
        var payloads = context.Select(message => message.Content)
            .Concat(rounds.SelectMany(round => round.Calls).Select(request => request.Arguments))
            .Concat(rounds.Select(round => round.Beside).OfType<Payload>())
            .Concat(rounds.SelectMany(round => round.Results).Select(result => result.Output).OfType<Payload>())
            .Concat(call.Repair is { } repair ? [repair.Answer] : []);
        var node = definition.Graph.Find(call.Scope.Node);
        var attach = node?.Kind.Reads.Contains(ExpressionSiteKind.Attachments) == true ? node.Kind.ExpressionOf(node, ExpressionSiteKind.Attachments) as ValueTemplate : null;
        var stored = await values.ReadAllAsync(
            [.. payloads, .. CallScopeValues.StoredValues(call.Scope, [.. prompt.References, .. attach?.References ?? [], .. agent.Instructions?.References ?? []])], cancellationToken);
        var scope = CallScopeValues.Create(call.Scope, definition.Name, stored);

        List<ChatMessage> messages = [];
        if (SystemMessage(agent, scope) is { Length: > 0 } system)
        {
            messages.Add(new ChatMessage(ChatRole.System, system));
        }

        IEnumerable<ChatMessage> earlier = context.Select(message => ContextToMessage(message, call, definition, Resolve(message.Content)));
        var asked = new ChatMessage(ChatRole.User, prompt.Render(scope));
        foreach (var attachment in attach is null ? [] : Attachments.Read(attach.Evaluate(scope).ToJson(), node!.Name))
        {
            asked.Contents.Add(attachment);
        }

        messages.AddRange(node?.Kind.BeginsWithPrompt(node, call.Agent) == true ? Begin(asked, [.. earlier]) : [.. earlier, asked]);
        foreach (var round in rounds)
        {
            messages.Add(BesideCalls.ToMessage(
                round.Calls.Select(request => ToolArguments.ToCall(request.CallId, ToolNames.ToModel(request.Tool), Resolve(request.Arguments))),
                round.Beside is { } beside ? Resolve(beside) : null));
            messages.AddRange(round.Calls.Zip(round.Results, (request, result) => new ChatMessage(
                ChatRole.Tool, [new FunctionResultContent(request.CallId, ResultText(result))])));
        }

        if (call.Repair is { } toRepair)
        {
            messages.Add(new ChatMessage(ChatRole.Assistant, CallJson.ToText(Resolve(toRepair.Answer))));
            messages.Add(new ChatMessage(ChatRole.User, RepairText(toRepair)));
        }

        return new Conversation(messages, await OptionsAsync(call, definition, agent, model, node?.Kind.HandoffOf(node, agent.Name, definition.Agents), cancellationToken));

        JsonElement Resolve(Payload payload) => payload.IsInline ? payload.Json!.Value : stored[payload];

        string ResultText(ToolCallResult result) => result switch
        {
            { Error: { Code: ErrorCodes.ToolRefused } refused } => refused.Message,
            { Error: { } error } => $"The call failed ({error.Code}): {error.Message}",
            { Note: { } note } => $"{note}\n{CallJson.ToText(Resolve(result.Output ?? Payload.Null))}",
            _ => CallJson.ToText(Resolve(result.Output ?? Payload.Null)),
        };
    }

    // The conversation is about what was asked first. A model that spoke last is asked to continue: servers want a user's message at the end.
    private static IEnumerable<ChatMessage> Begin(ChatMessage asked, IReadOnlyList<ChatMessage> earlier) =>
        earlier is [.., { Role: var last }] && last == ChatRole.Assistant ? [asked, .. earlier, new ChatMessage(ChatRole.User, "Go on.")] : [asked, .. earlier];

    private static string SystemMessage(AgentDefinition agent, IExpressionScope scope)
    {
        var text = new StringBuilder(agent.Instructions?.Render(scope));
        if (agent.Output is { } schema)
        {
            // Said in words as well, for providers that take no schema.
            text.Append(text.Length > 0 ? "\n\n" : "").Append("Answer with JSON alone, no other text, that fits this JSON schema:\n").Append(schema.Json.GetRawText());
        }

        return text.ToString();
    }

    private static ChatMessage ContextToMessage(ContextMessage message, AgentCall call, WorkflowDefinition definition, JsonElement content)
    {
        var isList = content.ValueKind == JsonValueKind.Array && definition.Graph.Nodes.Any(node => node.Name == message.Source && node.ForEach is not null);
        var text = isList ? ListText(content) : CallJson.ToText(content);
        return message.Agent == call.Agent
            ? new ChatMessage(ChatRole.Assistant, text)
            : message is { Source: MessageFilter.Conversation, Role: "user" } ? new ChatMessage(ChatRole.User, text)
            : new ChatMessage(ChatRole.User, $"{message.Source}{(message.Agent is null ? "" : $" ({message.Agent})")}:\n{text}") { AuthorName = message.Agent ?? message.Source };
    }

    private static string ListText(JsonElement list)
    {
        var text = new StringBuilder();
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            text.Append(index == 0 ? "" : "\n\n").Append('[').Append(++index).Append("]\n").Append(CallJson.ToText(item));
        }

        return text.ToString();
    }

    private static string RepairText(RepairRequest repair)
    {
        var text = new StringBuilder("Your answer does not fit the schema:\n");
        foreach (var violation in repair.Violations)
        {
            text.Append("- ").Append(violation).Append('\n');
        }

        return text.Append("Answer again with the corrected JSON alone.").ToString();
    }

    private async Task<ChatOptions> OptionsAsync(
        AgentCall call, WorkflowDefinition definition, AgentDefinition agent, ModelDefinition model, HandoffOffer? handoff, CancellationToken cancellationToken)
    {
        var options = new ChatOptions
        {
            ModelId = model.Model,
            Temperature = (float?)model.Temperature,
            MaxOutputTokens = model.MaxOutputTokens,
            ResponseFormat = agent.Output is { } schema ? ChatResponseFormat.ForJsonSchema(schema.Json, "answer") : null,
        };
        if (agent.Tools.Count > 0 || handoff is not null)
        {
            options.Tools = [];
            options.ToolMode = ChatToolMode.Auto;
            foreach (var name in agent.Tools)
            {
                options.Tools.Add(Declare(name, (runTools.Find(definition, name, call.Workflows) ?? await tools.GetAsync(definition, name, cancellationToken)).Function));
            }
        }

        if (handoff is not null)
        {
            options.Tools!.Add(AIFunctionFactory.CreateDeclaration(HandoffTool.Name, handoff.Description, handoff.Parameters));
        }

        return options;
    }

    private static AITool Declare(string name, AIFunction tool) =>
        ToolNames.ToModel(name) is var told && told == tool.Name ? tool : AIFunctionFactory.CreateDeclaration(told, tool.Description, tool.JsonSchema);

    private async Task<Template> PromptAsync(AgentCall call, WorkflowDefinition definition, CancellationToken cancellationToken)
    {
        if (call.Prompt is null)
        {
            return definition.Graph.Find(call.Scope.Node) is { } node && node.Kind.AgentOf(node) is not null && node.Kind.ExpressionOf(node, ExpressionSiteKind.Prompt) is Template prompt
                ? prompt
                : throw new PolyphonyException("node_not_found", $"Workflow \"{definition.Name}\" has no agent node \"{call.Scope.Node}\". The call and the definition do not belong together.");
        }

        var text = CallJson.ToText(await values.ReadAsync(call.Prompt, cancellationToken));
        if (!_prompts.TryGet(text, out var template))
        {
            template = Template.TryParse(text, out var parsed, out var problems) ? parsed : throw new ExpressionException(text, problems[0]);
            _prompts.Set(text, template, text.Length);
        }

        return template;
    }

    /// <summary>Gets all rounds of tool calls, those in the payload store first.</summary>
    private async Task<IReadOnlyList<ToolRound>> RoundsAsync(AgentCall call, CancellationToken cancellationToken)
    {
        List<ToolExchange> exchanges = [];
        foreach (var packed in call.PackedToolRounds)
        {
            exchanges.AddRange((await values.ReadAsync(packed, cancellationToken)).Deserialize(CoreJsonContext.Default.ListToolExchange)!);
        }

        return
        [
            .. exchanges.GroupBy(exchange => exchange.Round).OrderBy(round => round.Key)
                .Select(round => new ToolRound([.. round.Select(exchange => exchange.Call)], [.. round.Select(exchange => exchange.Result)], round.First().Beside)),
            .. call.ToolRounds,
        ];
    }

    private async Task<IReadOnlyList<ContextMessage>> ContextAsync(AgentCall call, CancellationToken cancellationToken)
    {
        List<ContextMessage> context = [];
        foreach (var packed in call.PackedContext)
        {
            context.AddRange((await values.ReadAsync(packed, cancellationToken)).Deserialize(CoreJsonContext.Default.ListContextMessage)!);
        }

        context.AddRange(call.Context);
        return context;
    }
}
