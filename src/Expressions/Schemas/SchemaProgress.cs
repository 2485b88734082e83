namespace Polyphony.Expressions.Schemas;

/// <summary>How far a check is: what it has cost, whether it was given up, and, while it is only decided whether a part fits, whether that is known.</summary>
/// <param name="report">Where in the value the check is.</param>
internal sealed class SchemaProgress(SchemaReport report)
{
    private bool _hasFailed;

    /// <summary>Gets or sets how many steps were taken.</summary>
    public long Steps { get; set; }

    /// <summary>Gets why the check was given up, if it was.</summary>
    public SchemaViolation? GivenUp { get; private set; }

    public bool IsGivenUp => GivenUp is not null;

    /// <summary>Gets a value indicating whether it is only decided if a part fits, so that nothing is reported.</summary>
    public bool IsTrial { get; private set; }

    /// <summary>Gets a value indicating whether to look further would change nothing.</summary>
    public bool IsDone => GivenUp is not null || (IsTrial ? _hasFailed : report.IsFull);

    /// <summary>Only decides from now on, without a report.</summary>
    /// <returns>What to end it with.</returns>
    public (bool IsTrial, bool HasFailed) BeginTrial()
    {
        var before = (IsTrial, _hasFailed);
        (IsTrial, _hasFailed) = (true, false);
        return before;
    }

    /// <summary>Goes back to what was before.</summary>
    /// <returns>Whether no violation was found.</returns>
    public bool EndTrial((bool IsTrial, bool HasFailed) before)
    {
        var fits = !_hasFailed;
        (IsTrial, _hasFailed) = before;
        return fits;
    }

    /// <summary>Notes a violation. What it is need only be said if the violations are collected.</summary>
    /// <returns>Whether to say it.</returns>
    public bool Fails()
    {
        _hasFailed |= IsTrial;
        return !IsTrial;
    }

    /// <summary>Takes steps, if there are as many left; the check is given up otherwise.</summary>
    public bool Charge(long steps)
    {
        Steps += steps;
        if (Steps <= SchemaLimits.Steps)
        {
            return true;
        }

        GiveUp(SchemaCodes.TooComplex, $"The value and its schema are too complex to check: it takes more than {SchemaLimits.Steps:N0} steps.");
        return false;
    }

    public void GiveUp(string code, string message) => GivenUp ??= new SchemaViolation(report.Pointer(), message, code);

    public void GiveUpTooDeep() => GiveUp(SchemaCodes.TooDeep, $"The value is nested deeper than {ExpressionLimits.Nesting} levels.");
}
