namespace Polyphony.Core.Runs;

/// <summary>Counts the items of a <c>forEach</c> as they end.</summary>
internal sealed class ItemsProgress
{
    public int Completed { get; private set; }

    public long Tokens { get; private set; }

    public WorkflowError? FirstError { get; private set; }

    public void Add(Outcome outcome)
    {
        Tokens += outcome.Usage.Tokens;
        if (outcome.Status == NodeResult.Completed)
        {
            Completed++;
        }
        else if (outcome.Error is { } error && (FirstError is null || string.CompareOrdinal(outcome.Activation, FirstError.Activation) < 0))
        {
            FirstError = new WorkflowError(outcome.Activation, error.Code, error.Message);
        }
    }

    public void Add(ItemsResult part)
    {
        Tokens += part.Usage.Tokens;
        Completed += part.Done - part.Failed;
        FirstError ??= part.FirstError;
    }
}
