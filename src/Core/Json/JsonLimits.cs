using System.Text.Json;
using Polyphony.Expressions;

namespace Polyphony.Core.Json;

/// <summary>
/// How deep JSON may be nested: one set of numbers for whatever reads or writes it. A value that is taken at any door is at most <see cref="MaxValueDepth"/> deep, and
/// everything that holds values (messages, lists, documents of the HTTP API) is read and written up to <see cref="MaxDepth"/>, so what was taken can always be shown.
/// </summary>
internal static class JsonLimits
{
    /// <summary>The deepest value: 64 levels of objects and lists. An input, an event, an answer, what a tool returns, what an expression makes.</summary>
    public const int MaxValueDepth = ExpressionLimits.Nesting;

    /// <summary>
    /// The deepest value kept in place: 32 levels. Deeper ones go to the payload store like large ones, so that messages with values in them stay below the 64 levels
    /// at which other readers on their way, such as those of the Azure Functions host, give up.
    /// </summary>
    public const int MaxInlineDepth = 32;

    /// <summary>The deepest document that holds values: 256 levels.</summary>
    public const int MaxDepth = 256;

    /// <summary>Options for reading documents that hold values.</summary>
    public static readonly JsonDocumentOptions Document = new() { MaxDepth = MaxDepth };

    /// <summary>Counts the levels of objects and lists.</summary>
    /// <param name="json">Valid UTF-8 JSON.</param>
    /// <returns>0 for a text, a number, true, false or null; 1 for a list of those; and so on.</returns>
    public static int DepthOf(ReadOnlySpan<byte> json)
    {
        int depth = 0, deepest = 0;
        while (json.IndexOfAny("\"{[}]"u8) is var at && at >= 0)
        {
            var found = json[at];
            json = json[(at + 1)..];
            switch (found)
            {
                case (byte)'"':
                    json = AfterText(json);
                    break;
                case (byte)'{' or (byte)'[':
                    deepest = Math.Max(deepest, ++depth);
                    break;
                default:
                    depth--;
                    break;
            }
        }

        return deepest;
    }

    private static ReadOnlySpan<byte> AfterText(ReadOnlySpan<byte> json)
    {
        while (json.IndexOfAny((byte)'"', (byte)'\\') is var at && at >= 0)
        {
            if (json[at] == (byte)'"')
            {
                return json[(at + 1)..];
            }

            json = json[Math.Min(at + 2, json.Length)..];
        }

        return [];
    }
}
