namespace Polyphony.Engine;

/// <summary>What a commit waits for.</summary>
public enum Durability
{
    /// <summary>The disk has it: a commit survives a power failure. The default.</summary>
    Full,

    /// <summary>The operating system has it: a commit survives the death of the process; a power failure may lose the last ones, but damages nothing.</summary>
    Normal,
}
