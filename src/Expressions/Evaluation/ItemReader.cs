using System.Text.Json;

namespace Polyphony.Expressions.Evaluation;

/// <summary>Reads the items of a list, or the member names of a map, without copying them.</summary>
internal struct ItemReader
{
    private readonly IReadOnlyList<ExpressionValue>? _list;
    private readonly IReadOnlyList<string>? _names;
    private JsonElement.ArrayEnumerator _json;
    private int _index = -1;

    public ItemReader(in ExpressionValue value)
    {
        if (value.Kind == ExpressionValueKind.Map)
        {
            _names = value.MemberNames();
        }
        else if (value.Kind == ExpressionValueKind.List && (_list = value.List) is null)
        {
            _json = value.Json.EnumerateArray();
        }
    }

    public ExpressionValue Current { get; private set; }

    public bool MoveNext()
    {
        if (_names is not null || _list is not null)
        {
            if (++_index >= (_list?.Count ?? _names!.Count))
            {
                return false;
            }

            Current = _list is not null ? _list[_index] : ExpressionValue.FromString(_names![_index]);
            return true;
        }

        if (!_json.MoveNext())
        {
            return false;
        }

        Current = ExpressionValue.FromJson(_json.Current);
        return true;
    }
}
