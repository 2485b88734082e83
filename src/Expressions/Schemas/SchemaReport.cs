using System.Text;

namespace Polyphony.Expressions.Schemas;

/// <summary>The violations of a value, and where in it the check is.</summary>
internal sealed class SchemaReport
{
    private readonly List<(string? Name, int Index)> _path = [];
    private List<SchemaViolation> _violations = [];

    /// <summary>Gets the violations that were found.</summary>
    public IReadOnlyList<SchemaViolation> Violations => _violations;

    /// <summary>Gets a value indicating whether no more are listed.</summary>
    public bool IsFull => _violations.Count >= SchemaLimits.Violations;

    /// <summary>Gets how many levels below the whole value the check is.</summary>
    public int Depth => _path.Count;

    /// <summary>Goes into a member, or an item if there is no name.</summary>
    public void Enter(string? name, int index) => _path.Add((name, index));

    /// <summary>Goes back out.</summary>
    public void Leave() => _path.RemoveAt(_path.Count - 1);

    /// <summary>Collects into another list from now on.</summary>
    /// <returns>The list until now.</returns>
    public List<SchemaViolation> Begin(List<SchemaViolation> violations)
    {
        var before = _violations;
        _violations = violations;
        return before;
    }

    /// <summary>Adds a violation at the current place.</summary>
    public void Add(string message) => Add(new SchemaViolation(Pointer(), message));

    /// <summary>Adds a violation of a member of the current place.</summary>
    public void AddAt(string member, string message)
    {
        Enter(member, 0);
        Add(message);
        Leave();
    }

    /// <summary>Adds a violation. Parts that are combined often say the same, which is listed once.</summary>
    public void Add(SchemaViolation violation)
    {
        if (IsFull || _violations.Contains(violation))
        {
            return;
        }

        _violations.Add(_violations.Count < SchemaLimits.Violations - 1 ? violation : violation with { Message = "There are more violations; they are not listed." });
    }

    /// <summary>Gets the current place as a JSON pointer.</summary>
    public string Pointer()
    {
        var builder = new StringBuilder();
        foreach (var (name, index) in _path)
        {
            builder.Append('/');
            if (name is null)
            {
                builder.Append(index);
            }
            else
            {
                builder.Append(JsonPointer.Escape(name));
            }
        }

        return builder.ToString();
    }

    /// <summary>Says a violation as a part of another.</summary>
    public static string Brief(SchemaViolation violation, string here)
    {
        const int Longest = 300;
        var message = violation.Message.Length > Longest ? violation.Message[..Longest] + "..." : violation.Message.TrimEnd('.');
        return violation.Pointer.Length > here.Length ? $"{violation.Pointer[here.Length..]}: {message}" : message;
    }
}
