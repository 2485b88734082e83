namespace Polyphony.Core.Json;

/// <summary>A value is nested deeper than <see cref="JsonLimits.MaxValueDepth"/>.</summary>
internal sealed class ValueTooDeepException()
    : PolyphonyException("value_too_deep", $"The value is nested deeper than {JsonLimits.MaxValueDepth} levels, which is the limit. Flatten it.");
