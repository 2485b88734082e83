using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Publishing;

/// <summary>Publishes a message.</summary>
public sealed record PublishNode : NodeDefinition
{
    /// <summary>Gets the topic type.</summary>
    public required string Topic { get; init; }

    /// <summary>Gets the message: an object with <c>source</c>, <c>data</c> and, if the file gives one, <c>messageId</c>.</summary>
    public required ValueTemplate Message { get; init; }

    internal override NodeKind Kind => PublishNodeKind.Instance;
}
