using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public partial class NodeBuilder
{
    /// <summary>Sets the schema of the answer of an agent node, in place of the agent's.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder OutputSchema(JsonNode schema) => Set("output", schema);

    /// <summary>Sends files with the prompt of an agent node.</summary>
    /// <param name="attachments">A file or an array of files, each <c>{ mediaType, data, name }</c> with <c>data</c> in base64, or a <c>data:</c> URI; strings are templates, such as <c>{{ input.photo }}</c>.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder Attach(JsonNode attachments) => Set("attach", attachments);

    /// <summary>Limits how long a call of an agent node waits for its model before a fallback of the model is asked.</summary>
    /// <param name="maxWait">The limit, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder MaxWait(TimeSpan maxWait) => Set("maxWait", Duration.Format(maxWait));

    /// <summary>Fails the node if the agent's answer is cut off at the token limit.</summary>
    /// <returns>This builder.</returns>
    public NodeBuilder FailOnTruncation() => Set("onTruncation", "fail");
}
