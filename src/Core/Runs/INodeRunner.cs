namespace Polyphony.Core.Runs;

/// <summary>Does the work of the activations of one kind of node.</summary>
internal interface INodeRunner
{
    /// <summary>Does the work of an activation, without the node's error policy and timeout.</summary>
    Task<WorkResult> RunAsync(Activation activation, WorkLimit limit);
}
