using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>The repair of an answer that does not fit its schema. With each model there is one.</summary>
internal sealed class AnswerRepair
{
    private bool _isUsed;

    /// <summary>Gets the answer that the next call is to repair; <see langword="null"/> if it asks as the first did.</summary>
    public RepairRequest? Request { get; private set; }

    /// <summary>Lets the next call repair an answer.</summary>
    /// <returns>Whether it may; false: there was a repair, and its answer does not fit either.</returns>
    public bool TryBegin(RepairRequest request)
    {
        if (_isUsed)
        {
            return false;
        }

        _isUsed = true;
        Request = request;
        return true;
    }

    /// <summary>Lets the next call ask as the first did.</summary>
    public void Forget() => Request = null;
}
