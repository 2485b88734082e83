using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>Names of topics, mailboxes and what handles their messages: readable while they are short and plain, otherwise with a hash, and never the same for two.</summary>
internal static class TopicNames
{
    /// <summary>What the ids of mailboxes, and of runs that handle messages, begin with. Nobody else can start an instance with such an id.</summary>
    public const string Prefix = "mailbox:";

    /// <summary>The longest source, and the longest message id, in characters.</summary>
    public const int MaxLength = 128;

    private const string SummarySuffix = ":.summary";
    private const int MaxType = 63;
    private const int MaxMailbox = 72;

    private static readonly SearchValues<char> TypeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly SearchValues<char> PlainCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>Finds what is wrong with a topic type.</summary>
    /// <returns>The problem as a sentence; <see langword="null"/>: nothing.</returns>
    public static string? ProblemOfType(string type) => type.Length is > 0 and <= MaxType && !type.AsSpan().ContainsAnyExcept(TypeCharacters) && type[0] != '-'
        ? null
        : $"\"{Shorten(type)}\" is no topic type: expected 1 to {MaxType} lower-case letters, digits and '-', beginning with a letter or digit.";

    /// <summary>Finds what is wrong with a source.</summary>
    /// <returns>The problem as a sentence; <see langword="null"/>: nothing.</returns>
    public static string? ProblemOfSource(string source) => Problem(source, "source");

    /// <summary>Finds what is wrong with a message id.</summary>
    /// <returns>The problem as a sentence; <see langword="null"/>: nothing.</returns>
    public static string? ProblemOfMessageId(string id) => Problem(id, "message id");

    /// <summary>Names the entity of a topic.</summary>
    public static EntityId Topic(string type, string source) => new(TaskNames.TopicEntity, Join(type, source, ":", DurableLimits.MaxInstanceIdLength));

    /// <summary>Names the mailbox of a subscriber and a source.</summary>
    public static string Mailbox(string workflow, string subscription, string source)
    {
        var subscriber = $"{workflow}.{subscription}";
        var plain = $"{Prefix}{subscriber}:{source}";
        return IsPlain(source) && plain.Length <= MaxMailbox ? plain : $"{Prefix}{Cut(subscriber, 30)}::{Hash($"{subscriber}:{source}", 32)}";
    }

    /// <summary>Names the run that handles a message, or tries to once more.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="messageId">The message's id.</param>
    /// <param name="attempt">Which attempt, from 1.</param>
    public static string Run(string mailbox, string messageId, int attempt)
    {
        var plain = $"{mailbox}:{messageId}{(attempt == 1 ? "" : $":{attempt}")}";
        return IsPlain(messageId) && plain.Length <= DurableLimits.MaxInstanceIdLength ? plain : $"{mailbox}::{Hash($"{messageId}:{attempt}", 24)}";
    }

    /// <summary>Names the run that summarises the conversation before another handles a message: no message id can stand for it.</summary>
    public static string Summary(string run) => run.Length + SummarySuffix.Length <= DurableLimits.MaxInstanceIdLength ? run + SummarySuffix : $"{Cut(run, MaxMailbox)}::{Hash(run, 24)}{SummarySuffix}";

    /// <summary>Names a page of a mailbox's dead letters.</summary>
    public static EntityId DeadLetters(string mailbox, long number) => new(TaskNames.DeadLettersEntity, $"{mailbox}:{number / DeadLetterEntity.PageSize}");

    /// <summary>Makes a message's id of something longer.</summary>
    public static string MessageId(string text) => text.Length <= MaxLength ? text : $"{Cut(text, 90)}:{Hash(text, 32)}";

    /// <summary>A key by which a mailbox remembers a message id: 96 bits of its hash, in 16 characters.</summary>
    public static string Key(string messageId) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(messageId)).AsSpan(0, 12)).Replace('/', '_').Replace('+', '-');

    private static string? Problem(string text, string what) =>
        text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.Contains('\u007f') && !HasLoneSurrogate(text)
            ? null
            : $"\"{Shorten(text)}\" is no {what}: expected 1 to {MaxLength} characters without control characters.";

    private static bool HasLoneSurrogate(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar && !text.Contains('\ufffd'))
            {
                return true;
            }
        }

        return false;
    }

    private static string Shorten(string text) => text.Length > 60 ? text[..60] + "…" : text;

    private static string Join(string one, string other, string separator, int most)
    {
        var plain = $"{one}{separator}{other}";
        return IsPlain(other) && plain.Length <= most ? plain : $"{one}::{Hash(other, 32)}";
    }

    private static bool IsPlain(string text) => !text.AsSpan().ContainsAnyExcept(PlainCharacters);

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];

    private static string Hash(string text, int characters) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..characters];
}
