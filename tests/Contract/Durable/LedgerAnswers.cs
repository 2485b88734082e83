using Polyphony.Core.Ledger;

namespace Polyphony.Contract.Durable;

/// <summary>Answers for tests of ledgers.</summary>
public static class LedgerAnswers
{
    public static LedgerAnswer Of(string content) => new()
    {
        Content = content,
        ProviderRequestId = "req-1",
        FinishReason = "stop",
        InputTokens = 10,
        OutputTokens = 5,
        CostUsd = 0.1m,
    };
}
