namespace Polyphony.Activities.Providers.Offline;

/// <summary>A text of the input that answers are taken from.</summary>
/// <param name="Name">What it is called: the title it bears, else where it comes from; empty if neither is known.</param>
/// <param name="Text">The text.</param>
internal sealed record OfflineSource(string Name, string Text)
{
    private IReadOnlyList<Sentence>? _sentences;

    public IReadOnlyList<Sentence> Sentences => _sentences ??= Sentence.Split(Text);
}
