using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Reads <c>agent</c> and what stands next to it.</summary>
internal static class AgentNodeReader
{
    public static AgentNode? Read(string name, MapReader map)
    {
        var agent = map.Text("agent");
        var prompt = map.Template("prompt", ExpressionPlace.Node, name);
        if (!map.Has("prompt"))
        {
            map.Missing("prompt", "an agent is always asked something", "Such as prompt: \"{{ input.question }}\"");
        }

        var attach = map.Json("attach", ExpressionPlace.Node, name);
        var output = map.Schema("output");
        if (agent is not null)
        {
            map.Context.AgentUses.Add((map.PathOf("agent"), map.Value("agent")!.Location, agent));
        }

        var maxWait = AgentReader.MaxWait(map);
        var onTruncation = AgentReader.OnTruncation(map);
        return agent is null || prompt is null ? null : new AgentNode
        {
            Name = name,
            Agent = agent,
            Prompt = prompt,
            Attach = attach,
            Output = output,
            MaxWait = maxWait,
            OnTruncation = onTruncation,
        };
    }
}
