using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Polyphony.Core.Json;
using Polyphony.Expressions;

namespace Polyphony.Activities.Providers.Offline;

/// <summary>Fills a JSON schema from the material.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>Texts: a title for <c>title</c> and the like, the whole summary for <c>summary</c>, <c>report</c> and the like, otherwise the best sentence that the member's name
/// and description are about; cut to <c>maxLength</c> and continued to <c>minLength</c>. With <c>pattern</c>: the first place of the input that matches.</item>
/// <item>Numbers: with a draft, how much of the sources' key terms it covers (see <see cref="Extractor.Coverage"/>), from <c>minimum</c> to <c>maximum</c>
/// (0 to 10 unless given; 0 to 1 for shares and confidence), rounded down to a tenth or a whole. A measurement: it rises as the draft covers more. Counts give the number of sources.</item>
/// <item>Booleans: <c>approved</c>, <c>complete</c> and the like hold from 80 % coverage; others hold if the input mentions all terms of the member's name.</item>
/// <item>Lists: key terms for <c>keywords</c> and the like, what the draft lacks for <c>missing</c> and the like, one object per source for lists of objects, otherwise the
/// best sentences; five unless the request says how many, within <c>minItems</c> and <c>maxItems</c>.</item>
/// <item>Choices: the first option that the input mentions, else the first.</item>
/// </list>
/// The answer fits the schema, but for a <c>pattern</c> that nothing in the input matches, and for lists that need more different items than there are sentences.
/// </remarks>
internal sealed class SchemaFiller(OfflineMaterial material, JsonElement schema)
{
    private const int DefaultItems = 5;
    private const int MissingItems = 12;
    private const int DeepestNesting = 64;

    // Beyond this only what is required is filled, so that a schema that refers to itself comes to an end.
    private const int DeepestOptional = 4;
    private const double Accepted = 0.8;
    private static readonly JsonSerializerOptions Compact = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IReadOnlyList<Sentence> _sentences = [.. material.Sources.SelectMany(source => source.Sentences)];
    private readonly LengthHint _hint = LengthHint.Read($"{material.Request}\n{material.Instructions}");

    /// <summary>Fills the schema.</summary>
    /// <returns>JSON.</returns>
    public string Fill() => Value(schema, "", null, 0)?.ToJsonString(Compact) ?? "null";

    private JsonNode? Value(JsonElement part, string name, OfflineSource? source, int depth)
    {
        part = Resolve(part);
        if (part.ValueKind != JsonValueKind.Object || depth > DeepestNesting)
        {
            return Text(default, name, source);
        }

        if (part.TryGetProperty("const", out var constant))
        {
            return Node(constant);
        }

        if (part.TryGetProperty("enum", out var options))
        {
            return Choice(options);
        }

        return TypeOf(part) switch
        {
            "object" => Object(part, source, depth),
            "array" => List(part, name, source, depth),
            "integer" => JsonValue.Create((long)Math.Floor(Number(part, name, isWhole: true))),
            "number" => JsonValue.Create(Number(part, name, isWhole: false)),
            "boolean" => JsonValue.Create(Verdict(name)),
            "null" => null,
            _ => Text(part, name, source),
        };
    }

    /// <summary>Follows references, and takes the first alternative that is not null.</summary>
    private JsonElement Resolve(JsonElement part)
    {
        for (var i = 0; i < DeepestNesting && part.ValueKind == JsonValueKind.Object; i++)
        {
            if (part.TryGetProperty("$ref", out var reference) && reference.GetString() is ['#', ..] pointer && JsonPointer.Find(schema, pointer[1..]) is { } target)
            {
                part = target;
            }
            else if (!part.TryGetProperty("type", out _) && Alternatives(part) is { } options)
            {
                part = options.EnumerateArray().FirstOrDefault(option => TypeOf(option) != "null", options[0]);
            }
            else
            {
                break;
            }
        }

        return part;
    }

    private static JsonElement? Alternatives(JsonElement part)
    {
        foreach (var keyword in (ReadOnlySpan<string>)["anyOf", "oneOf", "allOf"])
        {
            if (part.TryGetProperty(keyword, out var options) && options.ValueKind == JsonValueKind.Array && options.GetArrayLength() > 0)
            {
                return options;
            }
        }

        return null;
    }

    private static string? TypeOf(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var type))
        {
            return type.ValueKind == JsonValueKind.Array
                ? type.EnumerateArray().Select(option => option.GetString()).FirstOrDefault(option => option != "null") ?? "null"
                : type.GetString();
        }

        return part.ValueKind != JsonValueKind.Object ? null
            : part.TryGetProperty("properties", out _) || part.TryGetProperty("required", out _) ? "object"
            : part.TryGetProperty("items", out _) ? "array"
            : part.TryGetProperty("minimum", out _) || part.TryGetProperty("maximum", out _) ? "number"
            : null;
    }

    private JsonObject Object(JsonElement part, OfflineSource? source, int depth)
    {
        var result = new JsonObject();
        if (part.TryGetProperty("properties", out var properties))
        {
            foreach (var property in properties.EnumerateObject().Where(property => depth <= DeepestOptional || IsRequired(part, property.Name)))
            {
                result[property.Name] = Value(property.Value, property.Name, source, depth + 1);
            }
        }

        if (part.TryGetProperty("required", out var required))
        {
            foreach (var name in required.EnumerateArray().Select(item => item.GetString()!).Where(name => !result.ContainsKey(name)))
            {
                result[name] = part.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.Object
                    ? Value(others, name, source, depth + 1)
                    : Text(default, name, source);
            }
        }

        return result;
    }

    private static bool IsRequired(JsonElement part, string name) =>
        part.TryGetProperty("required", out var required) && required.EnumerateArray().Any(item => item.ValueEquals(name));

    private JsonArray List(JsonElement part, string name, OfflineSource? source, int depth)
    {
        var items = part.TryGetProperty("items", out var found) ? Resolve(found) : default;
        var isMissing = Names.IsWanted(name);
        var wanted = depth > DeepestOptional ? 0 : isMissing ? MissingItems : _hint.Items ?? DefaultItems;
        var least = Bound(part, "minItems") ?? 0;
        var count = (int)Math.Clamp(wanted, least, Math.Max(least, Bound(part, "maxItems") ?? int.MaxValue));
        IEnumerable<JsonNode?> values = TypeOf(items) switch
        {
            "object" => SourcesFor(source).Take(count).Select(one => Value(items, name, one, depth + 1)),
            "string" or null when !IsFixed(items) => Texts(name, count, source).Select(text => (JsonNode?)Fit(text, items)),
            _ when HasOptions(items) => Choices(items.GetProperty("enum"), count),
            _ => Enumerable.Range(0, (int)Math.Max(1, least)).Select(_ => Value(items, name, source, depth + 1)),
        };

        var result = new JsonArray();
        foreach (var value in values.Take(count))
        {
            result.Add(value);
        }

        for (var i = 0; result.Count < least; i++)
        {
            // Nothing more is to be found: what is there is given again rather than made up.
            result.Add(result.Count > 0 && i < result.Count ? result[i]?.DeepClone() : Value(items, name, source, depth + 1));
        }

        return result;
    }

    private IEnumerable<OfflineSource> SourcesFor(OfflineSource? source)
    {
        if (source is null && material.Sources.Count > 1)
        {
            return material.Sources;
        }

        var one = source ?? (material.Sources.Count > 0 ? material.Sources[0] : new OfflineSource("", material.Draft));
        return Extractor.Pick(one.Sentences, _hint.Items ?? DefaultItems).Select(sentence => new OfflineSource(one.Name, sentence.Text)).DefaultIfEmpty(one);
    }

    private IEnumerable<string> Texts(string name, int count, OfflineSource? source)
    {
        var sentences = source?.Sentences ?? _sentences;
        if (Names.IsWanted(name))
        {
            return material.Draft.Length > 0 ? Extractor.Missing(sentences, material.Draft, count).Select(sentence => sentence.Text) : [];
        }

        if (Names.IsTerms(name))
        {
            return Extractor.TopTerms(sentences, count);
        }

        var picked = Extractor.Pick(sentences, count);
        return sentences.Where(picked.Contains).DistinctBy(sentence => sentence.Text).Select(sentence => sentence.Text)
            .DefaultIfEmpty(Sentence.CutAtWord(AllText(source), 200).ToString()).Where(text => text.Length > 0);
    }

    private JsonValue Text(JsonElement part, string name, OfflineSource? source)
    {
        if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("pattern", out var pattern) && Matching(pattern.GetString()!, source) is { } match)
        {
            return JsonValue.Create(match);
        }

        if (Names.IsWanted(name))
        {
            return Fit(string.Join(' ', Texts(name, MissingItems, source)), part, source);
        }

        var sentences = source?.Sentences ?? _sentences;
        var text = Names.IsTitle(name) && Title(source) is { Length: > 0 } title ? title
            : Names.IsLong(name) && source is null ? Extractor.Summarize(material)
            : Names.IsLong(name) ? string.Join(' ', Extractor.Pick(sentences, 3).Select(sentence => sentence.Text))
            : Closest(part, name, sentences);
        return Fit(text.Length > 0 ? text : Sentence.CutAtWord(AllText(source), 200).ToString(), part, source);
    }

    private string? Title(OfflineSource? source) => source?.Name ?? material.Sources.Select(one => one.Name).FirstOrDefault(name => name.Length > 0);

    private string AllText(OfflineSource? source) => source?.Text ?? string.Join("\n", material.Sources.Select(one => one.Text)) switch { "" => material.Draft, var text => text };

    /// <summary>The sentence that shares most terms with what the schema says about the member; of equal ones the most informative.</summary>
    private static string Closest(JsonElement part, string name, IReadOnlyList<Sentence> sentences)
    {
        var about = part.ValueKind == JsonValueKind.Object && part.TryGetProperty("description", out var description) ? description.GetString() : "";
        var terms = Terms.Of($"{name.Replace('_', ' ')} {about}").ToHashSet(StringComparer.Ordinal);
        var ranked = Extractor.Pick(sentences, DefaultItems);
        return (sentences.Where(sentence => sentence.Terms.Any(terms.Contains)).MaxBy(sentence => sentence.Terms.Count(terms.Contains)) ?? (ranked.Count > 0 ? ranked[0] : null))?.Text ?? "";
    }

    private string? Matching(string pattern, OfflineSource? source)
    {
        try
        {
            var found = Regex.Match(AllText(source), pattern.Trim('^', '$'), RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(200));
            return found.Success && Regex.IsMatch(found.Value, pattern, RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(200)) ? found.Value : null;
        }
        catch (Exception exception) when (exception is ArgumentException or RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private JsonValue Fit(string text, JsonElement part, OfflineSource? source = null)
    {
        var least = (int)(Bound(part, "minLength") ?? 0);
        var most = (int)Math.Min(Bound(part, "maxLength") ?? int.MaxValue, int.MaxValue);
        if (text.Length < least)
        {
            var all = AllText(source);
            text = all.Length >= least ? all : $"{all}{string.Concat(Enumerable.Repeat(all.Length > 0 ? $" {all}" : ".", least))}";
            text = text[..Math.Max(least, Math.Min(text.Length, least))];
        }

        var cut = Sentence.CutAtWord(text, most).ToString();
        return JsonValue.Create(cut.Length >= least ? cut : text[..Math.Min(text.Length, most)]);
    }

    private double Number(JsonElement part, string name, bool isWhole)
    {
        var step = isWhole ? 1 : 0.1;
        var low = Bound(part, "minimum") ?? Bound(part, "exclusiveMinimum") + step;
        var high = Bound(part, "maximum") ?? Bound(part, "exclusiveMaximum") - step;
        if (Names.IsCount(name))
        {
            return Math.Clamp(material.Sources.Count, low ?? 0, Math.Max(low ?? 0, high ?? double.MaxValue));
        }

        var from = low ?? Math.Min(0, high ?? 0);
        var to = high ?? Math.Max(from, Names.IsShare(name) ? 1 : 10);
        var value = from + (Coverage * (to - from));
        return isWhole
            ? Math.Clamp(Math.Floor(value + 1e-9), Math.Ceiling(from), to)
            : Math.Clamp(RoundDown(value, to - from), from, to);
    }

    // To a tenth, and to a hundredth where all there is lies within one.
    private static double RoundDown(double value, double range)
    {
        var parts = range <= 1 ? 100 : 10;
        return Math.Round(Math.Floor((value * parts) + 1e-9) / parts, 2);
    }

    private double? _coverage;

    private double Coverage => _coverage ??= material.Draft.Length == 0 ? 1 : Extractor.Coverage(_sentences, material.Draft);

    private bool Verdict(string name)
    {
        if (Names.IsVerdict(name))
        {
            return Coverage >= Accepted;
        }

        var terms = Terms.Of(name.Replace('_', ' '));
        var mentioned = _sentences.SelectMany(sentence => sentence.Terms).ToHashSet(StringComparer.Ordinal);
        return terms.Count > 0 && terms.All(mentioned.Contains);
    }

    private JsonNode? Choice(JsonElement options) => Choices(options, 1).First();

    private IEnumerable<JsonNode?> Choices(JsonElement options, int count)
    {
        var text = $"{AllText(null)}\n{material.Draft}\n{material.Request}";
        var ranked = options.EnumerateArray()
            .Select((option, index) => (Option: option, Index: index, Place: option.ValueKind == JsonValueKind.String ? Mention(text, option.GetString()!) : int.MaxValue))
            .OrderBy(entry => entry.Place)
            .ThenBy(entry => entry.Index);
        return ranked.Take(count).Select(entry => Node(entry.Option));
    }

    private static int Mention(string text, string option)
    {
        var place = option.Length == 0 ? -1 : text.IndexOf(option.Replace('_', ' '), StringComparison.OrdinalIgnoreCase);
        return place < 0 ? int.MaxValue : place;
    }

    private static bool IsFixed(JsonElement part) => HasOptions(part) || (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("const", out _));

    private static bool HasOptions(JsonElement part) => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("enum", out _);

    private static double? Bound(JsonElement part, string name) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static JsonNode? Node(JsonElement value) => JsonNode.Parse(value.GetRawText(), null, JsonLimits.Document);
}
