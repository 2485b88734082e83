using System.Net;
using System.Text;
using System.Xml;

namespace Polyphony.Activities.Errors;

/// <summary>Finds the words in a page of a proxy or in the XML of a gateway.</summary>
internal static class Markup
{
    /// <summary>A title below this length, such as "Error", says too little alone.</summary>
    private const int ShortTitle = 16;

    private static readonly string[] MessageElements = ["message", "faultstring", "detail", "description", "error_description", "reason", "text"];

    /// <summary>Determines whether a text is markup at all.</summary>
    public static bool Is(string text) => text.Length > 1 && text[0] == '<' && (char.IsAsciiLetter(text[1]) || text[1] is '!' or '?');

    /// <summary>Gets the message of an XML document, or the title of a page, or the first words of either.</summary>
    /// <param name="text">The document.</param>
    /// <returns>The words, and the content of an element <c>code</c> if there is one.</returns>
    public static (string? Message, string? Code) Read(string text)
    {
        var isPage = text.Contains("<html", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
            || text.Contains("<body", StringComparison.OrdinalIgnoreCase) || text.Contains("<title", StringComparison.OrdinalIgnoreCase);
        if (!isPage && Xml(text) is { Message: not null } xml)
        {
            return xml;
        }

        var title = WebUtility.HtmlDecode(Element(text, "title")) is { } found ? ProviderText.Clean(found) : "";
        if (title.Length >= ShortTitle)
        {
            return (title, null);
        }

        var words = ProviderText.Clean(Words(Element(text, "body") ?? text));
        return (title.Length == 0 || words.StartsWith(title, StringComparison.Ordinal) ? words : words.Length == 0 ? title : $"{title}: {words}", null);
    }

    private static (string? Message, string? Code) Xml(string text)
    {
        string? message = null, code = null;
        try
        {
            // Nothing outside is read, and nothing grows: no document type, no entities.
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            var element = "";
            while (reader.Read())
            {
                if (reader.NodeType == XmlNodeType.Element)
                {
                    element = reader.LocalName;
                }
                else if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA && !string.IsNullOrWhiteSpace(reader.Value))
                {
                    if (MessageElements.Contains(element, StringComparer.OrdinalIgnoreCase))
                    {
                        message ??= reader.Value;
                    }
                    else if (element.Equals("code", StringComparison.OrdinalIgnoreCase) || element.Equals("faultcode", StringComparison.OrdinalIgnoreCase))
                    {
                        code ??= reader.Value;
                    }
                }
            }
        }
        catch (XmlException)
        {
            // Half a document: what was found up to there.
        }

        return (message, code);
    }

    private static string? Element(string text, string name)
    {
        var open = text.IndexOf($"<{name}", StringComparison.OrdinalIgnoreCase);
        var start = open < 0 ? -1 : text.IndexOf('>', open);
        if (start < 0)
        {
            return null;
        }

        var end = text.IndexOf($"</{name}", start, StringComparison.OrdinalIgnoreCase);
        return text[(start + 1)..(end < 0 ? text.Length : end)];
    }

    // No parser: a page that is an error needs no more than its visible words.
    private static string Words(string text)
    {
        var words = new StringBuilder();
        for (var i = 0; i < text.Length;)
        {
            if (text[i] != '<')
            {
                words.Append(text[i++]);
                continue;
            }

            i = Hidden(text, i, "script") ?? Hidden(text, i, "style") ?? (text.IndexOf('>', i) is var end and >= 0 ? end + 1 : text.Length);
            words.Append(' ');
        }

        return WebUtility.HtmlDecode(words.ToString());
    }

    private static int? Hidden(string text, int start, string name)
    {
        if (string.Compare(text, start + 1, name, 0, name.Length, StringComparison.OrdinalIgnoreCase) != 0)
        {
            return null;
        }

        var close = text.IndexOf($"</{name}", start, StringComparison.OrdinalIgnoreCase);
        return close < 0 || text.IndexOf('>', close) is var end && end < 0 ? text.Length : end + 1;
    }
}
