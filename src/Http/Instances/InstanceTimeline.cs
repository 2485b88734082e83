using Polyphony.Core.Client;

namespace Polyphony.Http.Instances;

/// <summary>The history of an instance in the terms of its workflow, oldest first.</summary>
/// <param name="InstanceId">The instance's id.</param>
/// <param name="Steps">The steps.</param>
internal sealed record InstanceTimeline(string InstanceId, IReadOnlyList<RunStep> Steps);
