namespace Polyphony.Expressions.Syntax;

/// <summary>The names that macros give to an item, as far as they are known where the parser is, and where their values are kept.</summary>
internal sealed class LocalNames
{
    private readonly List<(string Name, int Slot)> _known = [];

    /// <summary>Gets how many slots the expression needs.</summary>
    public int Slots { get; private set; }

    /// <summary>Makes a name known; it hides one of the same name further out.</summary>
    /// <returns>Its slot.</returns>
    public int Enter(string name)
    {
        _known.Add((name, Slots));
        return Slots++;
    }

    /// <summary>Forgets the name that was made known last.</summary>
    public void Leave() => _known.RemoveAt(_known.Count - 1);

    /// <summary>Finds the slot of a name.</summary>
    public int? Find(string name)
    {
        var index = _known.FindLastIndex(known => known.Name == name);
        return index >= 0 ? _known[index].Slot : null;
    }
}
