namespace Polyphony.Core.Definitions.Sources;

/// <summary>How a text is written in a file; decides how its characters are found there again.</summary>
internal enum SourceScalarStyle
{
    /// <summary>Without quotes.</summary>
    Plain,

    /// <summary>In single quotes; a doubled quote stands for one.</summary>
    SingleQuoted,

    /// <summary>In double quotes, with escapes, as in JSON.</summary>
    DoubleQuoted,

    /// <summary>A block after <c>|</c> or <c>&gt;</c>.</summary>
    Block,
}
