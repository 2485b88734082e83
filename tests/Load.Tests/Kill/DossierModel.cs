using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Load.Tests.Kill;

/// <summary>
/// The model server's side of the kill test: answers every step by a function of what it is asked, misbehaves by a seed, keeps pace with the kills so that there is
/// work until the last, and keeps books of its own. It knows from the request's key which life of the host asks.
/// </summary>
internal sealed class DossierModel(int seed, int kills, int expectedAnswers)
{
    private readonly ConcurrentDictionary<string, Book> _books = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _answered = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _errors = new(StringComparer.Ordinal);

    /// <summary>Gets the books by step id.</summary>
    public IReadOnlyDictionary<string, Book> Books => _books;

    /// <summary>Gets how many requests have come.</summary>
    public Counter Arrivals { get; } = new();

    /// <summary>Gets how many answers have gone out.</summary>
    public Counter Answers { get; } = new();

    /// <summary>Gets how often it misbehaved, by kind.</summary>
    public IReadOnlyDictionary<string, int> Errors => _errors;

    /// <summary>The key by which a life of the host is known.</summary>
    public static string KeyOf(int life) => string.Create(CultureInfo.InvariantCulture, $"life-{life}");

    /// <summary>The name under which the server counts the answers to a step in one life.</summary>
    public static string CountedAs(string step, int life) => $"{step}@{KeyOf(life)}";

    /// <summary>Notes that the answer to a request has gone out.</summary>
    public void Note(FakeOpenAIRequest answered)
    {
        _answered.TryAdd(StepOf(answered), true);
        Answers.Increment();
    }

    public FakeOpenAIAnswer Respond(FakeOpenAIRequest request)
    {
        var prompt = request.FirstPrompt;
        var step = StepOf(request);
        var life = int.Parse(request.Headers["Authorization"].Split('-')[1], CultureInfo.InvariantCulture);
        var book = _books.GetOrAdd(step, _ => new Book());
        var random = new Random(unchecked((seed * 397) ^ StableHash(step) ^ (book.Arrive(prompt) * 7919)));
        Arrivals.Increment();
        return Misbehave(request, random, step, book) is { } error
            ? error
            : Good(request, prompt, step) with { CountedAs = CountedAs(step, life), Takes = Takes(life, random), IsSlow = random.Next(100) < 3 };
    }

    private FakeOpenAIAnswer? Misbehave(FakeOpenAIRequest request, Random random, string step, Book book)
    {
        // One kind of step is refused by its model whatever is tried, so that the fallback must answer.
        if (request.Model == "main-model" && step.EndsWith("/last/1", StringComparison.Ordinal) && StableHash(step) % 4 == 0)
        {
            return Error("refused", FakeOpenAIAnswer.Error(400, "content_filter", "not with this model"));
        }

        return book.Arrivals > 3 ? null : random.Next(100) switch
        {
            < 4 => Error("429 in milliseconds", FakeOpenAIAnswer.Error(429, "rate_limit_exceeded", "slow down", ("retry-after-ms", "60"))),
            < 5 => Error("429 in seconds", FakeOpenAIAnswer.Error(429, "rate_limit_exceeded", "slow down", ("Retry-After", "1"))),
            < 9 => Error("5xx", FakeOpenAIAnswer.Error(random.Next(500, 505), null, "try again")),
            < 12 => Error("reset", new FakeOpenAIAnswer { Resets = true }),
            _ => null,
        };

        FakeOpenAIAnswer Error(string kind, FakeOpenAIAnswer error)
        {
            _errors.AddOrUpdate(kind, 1, (_, count) => count + 1);
            book.Refuse();
            return error;
        }
    }

    private static FakeOpenAIAnswer Good(FakeOpenAIRequest request, string prompt, string step)
    {
        var (input, output) = Dossier.Tokens(step);
        var activation = prompt.Split(' ')[1];
        if (activation.StartsWith("facts[", StringComparison.Ordinal))
        {
            var subject = prompt.Split(' ')[2];
            if (request.Turn == 1)
            {
                return FakeOpenAIAnswer.Calls(input, output, ($"call-{subject}", "read_file", $$"""{"path":"{{subject}}.txt"}"""));
            }

            using var file = JsonDocument.Parse(FakeOpenAIRequest.Text(request.Messages[^1]));
            return Text(Dossier.Answer(prompt, file.RootElement.GetProperty("text").GetString()!));
        }

        return activation switch
        {
            "plan" => Text(Dossier.Plan(int.Parse(prompt.Split(' ')[2], CultureInfo.InvariantCulture))),
            "verdict" => Text(request.Turn == 1 ? """{"score":"high"}""" : $$"""{"score":{{Dossier.Score(prompt)}}}"""),
            _ => Text(Dossier.Answer(prompt)),
        };

        FakeOpenAIAnswer Text(string text) => FakeOpenAIAnswer.Text(text, promptTokens: input, completionTokens: output);
    }

    // As fast as the kills: who is ahead of them thinks for longer. Steps count, not answers: paying twice brings nobody forward.
    private TimeSpan Takes(int life, Random random)
    {
        var due = (long)expectedAnswers * (life + 1) / (kills + 1);
        return TimeSpan.FromMilliseconds(_answered.Count < due || life >= kills ? random.Next(2, 60) : random.Next(100, 1500));
    }

    // A prompt begins with the instance and the activation; the ledger names steps INSTANCE/ACTIVATION/CALL.
    private static string StepOf(FakeOpenAIRequest request)
    {
        var words = request.FirstPrompt.Split(' ', 3);
        return string.Create(CultureInfo.InvariantCulture, $"{words[0]}/{words[1]}/{request.Turn}");
    }

    // string.GetHashCode differs from run to run.
    private static int StableHash(string text) => text.Aggregate(17, (hash, character) => unchecked((hash * 31) + character)) & int.MaxValue;

    /// <summary>What the server knows of a step.</summary>
    internal sealed class Book
    {
        private readonly Lock _lock = new();

        /// <summary>Gets when the last request came.</summary>
        public DateTimeOffset LastArrival { get; private set; }

        /// <summary>Gets how many requests came.</summary>
        public int Arrivals { get; private set; }

        /// <summary>Gets how many of them were refused or reset.</summary>
        public int Refused { get; private set; }

        /// <summary>Gets the prompts that were seen.</summary>
        public HashSet<string> Prompts { get; } = new(StringComparer.Ordinal);

        public int Arrive(string prompt)
        {
            lock (_lock)
            {
                LastArrival = TimeProvider.System.GetUtcNow();
                Prompts.Add(prompt);
                return ++Arrivals;
            }
        }

        public void Refuse()
        {
            lock (_lock)
            {
                Refused++;
            }
        }
    }
}
