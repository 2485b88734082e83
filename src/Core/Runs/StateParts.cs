using System.Collections.Immutable;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>
/// A value of the state, or what is written to one, in parts that are put together when somebody reads it: arrays or objects, of which large ones are in the payload store. Numbers, and
/// what is replaced, are a single part. Immutable.
/// </summary>
/// <param name="Parts">The parts in the order of the graph.</param>
internal sealed record StateParts(ImmutableList<Payload> Parts)
{
    public static StateParts Empty { get; } = new(ImmutableList<Payload>.Empty);

    public bool IsEmpty => Parts.IsEmpty;

    /// <summary>Gets how much of a message it takes.</summary>
    public int Bytes => Parts.Sum(RunCalls.SizeOf);

    public static StateParts Of(Payload value) => new([value]);
}
