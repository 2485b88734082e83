using System.Globalization;
using Microsoft.AspNetCore.Http;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Instances;

/// <summary>How much of an instance a reader has seen; as an event id <c>SEQUENCE</c> or, after a status, <c>SEQUENCE.VERSION</c>.</summary>
/// <param name="Sequence">The last history event seen; 0 for none.</param>
/// <param name="Version">The <c>changeVersion</c> of the last status seen; -1 for none.</param>
internal readonly record struct StreamPosition(long Sequence, long Version)
{
    private const string Header = "Last-Event-ID";

    public static StreamPosition Start => new(0, -1);

    public static StreamPosition Read(HttpRequest request)
    {
        if (request.Headers[Header] is not [{ Length: > 0 } text])
        {
            return Start;
        }

        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (long.TryParse(dot < 0 ? text : text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            if (dot < 0)
            {
                return new StreamPosition(sequence, -1);
            }

            if (long.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            {
                return new StreamPosition(sequence, version);
            }
        }

        throw RequestProblemException.Of(
            [new ProblemItem($"Header {Header} must be the id of an event of this stream; found \"{FieldReader.Shorten(text)}\".", ProblemCodes.InvalidParameter, Parameter: Header)]);
    }

    public override string ToString() => Version < 0 ? $"{Sequence}" : $"{Sequence}.{Version}";
}
