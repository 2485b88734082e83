using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers.Offline;

/// <summary>What the offline model makes of a conversation: the request, the sources, the draft under review, and what was found missing.</summary>
/// <remarks>
/// The last user message is the prompt. Its first paragraph is the request (a request is not material, unless there is nothing else); the rest
/// and all earlier messages are material. Lines that end in a colon give what follows a name: a part named like a draft is the
/// draft, one named like something missing is what an answer must contain, anything else is a source. (Such a line counts at the start
/// of a message; later only with a name like draft, missing, sources or documents, alone after an empty line. In the prompt, what is missing may
/// also follow its name on the same line.) JSON on its own line or after such
/// a name is taken apart: an object is a source by its title, a list is one source per item, members named like <c>missing</c> are what an
/// answer must contain. Where there are sources and no draft is named, the rest of the prompt is taken as the draft if the request asks for a
/// judgement of it (review, rate, judge …). The system message gives the length only, never material.
/// </remarks>
internal sealed class OfflineMaterial
{
    private const int MostCharacters = 2_000_000;
    private readonly List<OfflineSource> _sources = [];
    private readonly List<string> _wanted = [];
    private readonly List<string> _drafts = [];

    private OfflineMaterial(string request, string instructions)
    {
        Request = request;
        Instructions = instructions;
    }

    /// <summary>Gets what is asked for.</summary>
    public string Request { get; }

    /// <summary>Gets the system message.</summary>
    public string Instructions { get; }

    /// <summary>Gets the texts that answers are taken from.</summary>
    public IReadOnlyList<OfflineSource> Sources => _sources;

    /// <summary>Gets the text under review or under work; empty if there is none.</summary>
    public string Draft => string.Join("\n\n", _drafts);

    /// <summary>Gets the sentences that an answer must contain.</summary>
    public IReadOnlyList<string> Wanted => _wanted;

    /// <summary>Reads a conversation.</summary>
    public static OfflineMaterial Read(IReadOnlyList<ChatMessage> messages)
    {
        var instructions = string.Join('\n', messages.Where(message => message.Role == ChatRole.System).Select(message => message.Text));
        var turns = messages.Where(message => message.Role != ChatRole.System).Select(TextOf).ToArray();
        var last = Array.FindLastIndex(turns, turn => turn.IsPrompt);
        var prompt = last < 0 ? "" : Cut(turns[last].Text.ReplaceLineEndings("\n")).Trim();
        var paragraph = prompt.IndexOf("\n\n", StringComparison.Ordinal);
        var request = paragraph < 0 ? prompt : prompt[..paragraph];
        var rest = paragraph < 0 ? "" : prompt[(paragraph + 2)..];
        var material = new OfflineMaterial(request, instructions);

        for (var i = 0; i < turns.Length; i++)
        {
            if (i != last)
            {
                material.AddText(Cut(turns[i].Text.ReplaceLineEndings("\n")), turns[i].IsOwn ? "draft" : "");
            }
        }

        var isJudgement = material._drafts.Count == 0 && material._sources.Count > 0 && Names.IsJudgement(request);
        material.AddText(request, "", isPrompt: true, isRequest: true);
        material.AddText(rest, isJudgement ? "draft" : "", isPrompt: true);
        if (material._sources.Count == 0 && material._drafts.Count == 0)
        {
            material._sources.Add(new OfflineSource("", request));
        }

        // The draft is often among the earlier messages as well; measured against itself it would always be perfect.
        var draft = material.Draft.Trim();
        if (draft.Length > 0)
        {
            material._sources.RemoveAll(source => source.Text.Trim() == draft || material._drafts.Any(text => text.Trim() == source.Text.Trim()));
        }

        return material;
    }

    private static (string Text, bool IsPrompt, bool IsOwn) TextOf(ChatMessage message)
    {
        var results = message.Contents.OfType<FunctionResultContent>().Select(result => result.Result?.ToString() ?? "");
        return message.Role == ChatRole.Tool
            ? (string.Join('\n', results), false, false)
            : (message.Text, message.Role == ChatRole.User && message.AuthorName is null, message.Role == ChatRole.Assistant);
    }

    private static string Cut(string text) => text.Length <= MostCharacters ? text : text[..MostCharacters];

    /// <summary>Takes a text apart, line by line: names, JSON, and plain text between them.</summary>
    private void AddText(string text, string name, bool isPrompt = false, bool isRequest = false)
    {
        var plain = new System.Text.StringBuilder();
        var (isFirst, afterBlank, inCode) = (true, true, false);
        foreach (var line in text.Split('\n'))
        {
            var trimmed = line.Trim();
            inCode ^= trimmed.StartsWith("```", StringComparison.Ordinal);
            if (inCode)
            {
                // A block of code is an example, and passed over in one piece: its lines are no names and no data.
                if (!isRequest)
                {
                    plain.Append(line).Append('\n');
                }
            }
            else if (Json(trimmed, out var label, out var json))
            {
                Flush();
                AddJson(json, label.Length > 0 ? label : name);
            }
            else if (trimmed.EndsWith(':') && IsName(trimmed, isFirst, afterBlank))
            {
                Flush();
                name = WithoutAuthor(trimmed.TrimEnd(':'));

                // What a request names and then gives is material.
                isRequest = false;
            }
            else if (isPrompt && InlineWanted(trimmed) is { } wanted)
            {
                Flush();
                Add(wanted, "missing");
            }
            else if (!isRequest)
            {
                plain.Append(line).Append('\n');
            }

            afterBlank = trimmed.Length == 0;
            isFirst &= afterBlank;
        }

        Flush();

        void Flush()
        {
            Add(plain.ToString(), name);
            plain.Clear();
        }
    }

    // Earlier messages are headed by the node and, in brackets, the agent.
    private static string WithoutAuthor(string name) => name.EndsWith(')') && name.LastIndexOf(" (", StringComparison.Ordinal) is var bracket and > 0 ? name[..bracket] : name;

    // Documents have many lines that end in a colon; only the first line of a message, or a known name on its own, is a name.
    private static bool IsName(string line, bool isFirst, bool afterBlank) =>
        line.Length <= 80 && line[0] != '#' && (isFirst || (afterBlank && line.Count(character => character == ' ') < 4 && Names.IsPart(line)));

    // "Last time the critic missed: this and that."
    private static string? InlineWanted(string line)
    {
        var colon = line.IndexOf(": ", StringComparison.Ordinal);
        return colon is > 0 and <= 60 && Names.IsWanted(line[..colon]) ? line[(colon + 2)..] : null;
    }

    private static bool Json(string line, out string label, out JsonElement json)
    {
        (label, json) = ("", default);
        var start = line.Length > 1 && line[^1] is ']' or '}' ? line.IndexOfAny(['[', '{']) : -1;
        if (start < 0 || (start > 0 && !line[..start].TrimEnd().EndsWith(':')))
        {
            return false;
        }

        try
        {
            json = JsonElement.Parse(line[start..], JsonLimits.Document);
            label = line[..start].TrimEnd().TrimEnd(':');
            return true;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            return false;
        }
    }

    private void AddJson(JsonElement json, string name)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                Add(json.GetString()!, name);
                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                {
                    AddJson(item, name);
                }

                break;
            case JsonValueKind.Object:
                AddObject(json, name);
                break;
        }
    }

    private void AddObject(JsonElement json, string name)
    {
        var title = Title(json) ?? name;
        var text = new System.Text.StringBuilder();
        foreach (var member in json.EnumerateObject())
        {
            if (Names.IsWanted(member.Name))
            {
                AddJson(member.Value, "missing");
            }
            else if (member.Value.ValueKind == JsonValueKind.String)
            {
                text.Append(member.Value.GetString()).Append("\n\n");
            }
            else if (member.Value.ValueKind == JsonValueKind.Array && member.Value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            {
                foreach (var item in member.Value.EnumerateArray())
                {
                    text.Append(item.GetString()).Append("\n\n");
                }
            }
            else
            {
                AddJson(member.Value, title);
            }
        }

        Add(text.ToString(), title);
    }

    private static string? Title(JsonElement json)
    {
        foreach (var name in (ReadOnlySpan<string>)["title", "path", "source", "name"])
        {
            if (json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } title)
            {
                return title;
            }
        }

        return null;
    }

    private void Add(string text, string name)
    {
        text = text.Trim();
        if (text.Length == 0)
        {
            return;
        }

        if (Names.IsWanted(name))
        {
            _wanted.Add(text);
        }
        else if (Names.IsDraft(name))
        {
            _drafts.Add(text);
        }
        else
        {
            _sources.Add(new OfflineSource(Heading(text) ?? name, text));
        }
    }

    private static string? Heading(string text)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                return line[2..].Trim().ToString();
            }
        }

        return null;
    }
}
