using Polyphony.Expressions;

namespace Polyphony.Core.Nodes;

/// <summary>The types of what a workflow file defines, for the types of its nodes.</summary>
internal interface IFileTypes
{
    /// <summary>Gets the type of an agent's answer.</summary>
    ExpressionType OfAgent(string agent);

    /// <summary>Gets the type of a value with templates that is evaluated in a node.</summary>
    ExpressionType OfValue(ValueTemplate value, string node);
}
