using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Runtime;

/// <summary>What an instance is asked to do besides taking in an event.</summary>
internal enum Request
{
    /// <summary>Take in <see cref="Message.Event"/>.</summary>
    Deliver,

    /// <summary>Take a step even if nothing arrived: the first one, or one after a rewind.</summary>
    Kick,
    Suspend,
    Resume,
    Terminate,

    /// <summary>Code of the orchestration ran outside its steps.</summary>
    ReportIllegalAwait,
}

/// <summary>Something in an instance's inbox.</summary>
internal sealed class Message
{
    internal Request Request { get; init; }

    internal HistoryEvent? Event { get; init; }

    /// <summary>Gets the generation that the event belongs to; 0 for any.</summary>
    internal int Generation { get; init; }

    /// <summary>Gets or sets the row that keeps the event until a step takes it in; 0 if none does yet.</summary>
    internal long Row { get; set; }

    /// <summary>Gets when a timer that fired was due: the step that takes it in is no earlier.</summary>
    internal DateTimeOffset NotBefore { get; init; }

    /// <summary>Gets the reason or the output that goes with a request.</summary>
    internal string? Text { get; init; }

    /// <summary>Gets what completes when the request is committed.</summary>
    internal TaskCompletionSource? Done { get; init; }

    internal static Message Kick() => new() { Request = Request.Kick };
}
