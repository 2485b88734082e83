using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions;

/// <summary>A JSON value whose texts, at any depth, are templates. The names of members are not. Immutable, thread-safe.</summary>
public sealed class ValueTemplate
{
    private readonly Part _root;

    private ValueTemplate(Part root, IEnumerable<ExpressionReference> references)
    {
        _root = root;
        References = [.. references.DistinctBy(reference => string.Join('\0', reference.Path), StringComparer.Ordinal)];
    }

    /// <summary>Gets what its expressions read.</summary>
    public IReadOnlyList<ExpressionReference> References { get; }

    /// <summary>Compiles a JSON value.</summary>
    /// <param name="json">The value; its document must stay alive.</param>
    /// <param name="template">The template, if there is no problem.</param>
    /// <param name="problems">What is wrong: where in the value (a JSON pointer, RFC 6901), and what.</param>
    /// <returns>Whether all texts could be parsed.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out ValueTemplate? template, out IReadOnlyList<(string Pointer, ExpressionProblem Problem)> problems)
    {
        List<(string, ExpressionProblem)> found = [];
        List<ExpressionReference> references = [];
        Part? root = null;
        try
        {
            root = Part.Compile(json, "", 0, references, found);
        }
        catch (InvalidOperationException)
        {
            // Reading a JSON text with half a surrogate pair throws; nothing else here throws that exception.
            found.Add(("", new ExpressionProblem(0, 0, ValueWriter.NotUnicode)));
        }

        problems = found;
        template = found.Count > 0 ? null : new ValueTemplate(root!, references);
        return template is not null;
    }

    /// <summary>Checks names and types.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong, and where.</param>
    /// <returns>The type of the whole.</returns>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<(string Pointer, ExpressionProblem Problem)> problems) => _root.Check(scope, problems);

    /// <summary>Evaluates every text.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">An expression failed.</exception>
    public ExpressionValue Evaluate(IExpressionScope scope) => _root.Evaluate(scope);

    /// <summary>A constant value, a template, or a list or map of them.</summary>
    private sealed class Part(string pointer)
    {
        private ExpressionValue _constant;
        private Template? _template;
        private IReadOnlyList<Part>? _items;
        private OrderedDictionary<string, Part>? _members;

        private bool IsConstant => _template is null && _items is null && _members is null;

        public static Part Compile(JsonElement json, string pointer, int depth, List<ExpressionReference> references, List<(string, ExpressionProblem)> problems)
        {
            var part = new Part(pointer) { _constant = ExpressionValue.FromJson(json) };
            if (depth > ExpressionLimits.Nesting)
            {
                problems.Add((pointer, new ExpressionProblem(0, 0, $"The value is nested deeper than {ExpressionLimits.Nesting} levels.")));
                return part;
            }

            switch (json.ValueKind)
            {
                case JsonValueKind.String:
                    part.CompileText(json, references, problems);
                    break;
                case JsonValueKind.Array:
                    List<Part> items = [];
                    foreach (var item in json.EnumerateArray())
                    {
                        items.Add(Compile(item, $"{pointer}/{items.Count}", depth + 1, references, problems));
                    }

                    // What has no expression is passed on unchanged.
                    part._items = items.TrueForAll(item => item.IsConstant) ? null : items;
                    break;
                case JsonValueKind.Object:
                    var members = new OrderedDictionary<string, Part>(StringComparer.Ordinal);
                    foreach (var member in json.EnumerateObject())
                    {
                        members[member.Name] = Compile(member.Value, $"{pointer}/{JsonPointer.Escape(member.Name)}", depth + 1, references, problems);
                    }

                    part._members = members.Values.All(member => member.IsConstant) ? null : members;
                    break;
            }

            return part;
        }

        public ExpressionType Check(ExpressionTypeScope scope, ICollection<(string Pointer, ExpressionProblem Problem)> problems)
        {
            if (_template is not null)
            {
                List<ExpressionProblem> found = [];
                var type = _template.Check(scope, found);
                foreach (var problem in found)
                {
                    problems.Add((pointer, problem));
                }

                return type;
            }

            if (_items is not null)
            {
                return ExpressionType.ListOf(ExpressionType.Union([.. _items.Select(item => item.Check(scope, problems))]), isNonEmpty: true);
            }

            if (_members is not null)
            {
                return ExpressionType.Object(_members.ToDictionary(member => member.Key, member => member.Value.Check(scope, problems), StringComparer.Ordinal));
            }

            return ExpressionType.Of(_constant);
        }

        public ExpressionValue Evaluate(IExpressionScope scope)
        {
            if (_template is not null)
            {
                return _template.Evaluate(scope);
            }

            if (_items is not null)
            {
                return ExpressionValue.FromList([.. _items.Select(item => item.Evaluate(scope))]);
            }

            if (_members is null)
            {
                return _constant;
            }

            var values = new OrderedDictionary<string, ExpressionValue>(_members.Count, StringComparer.Ordinal);
            foreach (var (name, member) in _members)
            {
                values.Add(name, member.Evaluate(scope));
            }

            return ExpressionValue.FromMembers(values);
        }

        private void CompileText(JsonElement json, List<ExpressionReference> references, List<(string, ExpressionProblem)> problems)
        {
            if (!Template.TryParse(json.GetString()!, out var template, out var found))
            {
                problems.AddRange(found.Select(problem => (pointer, problem)));
                return;
            }

            if (template.IsConstant)
            {
                return;
            }

            _template = template;
            references.AddRange(template.References);
        }
    }
}
