namespace Polyphony.Analyzers;

/// <summary>What may give another result when a workflow is replayed, and what to write instead.</summary>
internal static class Banned
{
    private const string Time = "take workflow.Durable.CurrentUtcDateTime";
    private const string Identity = "take workflow.Durable.NewGuid()";
    private const string Wait = "wait with workflow.Durable.CreateTimerAsync(time)";
    private const string Threads = "call agents, tools and workflows, and await them together with Task.WhenAll";
    private const string Outside = "let a tool do that, and call it with workflow.CallToolAsync";
    private const string Given = "take it as an input of the workflow";
    private const string Seed = "make it from a seed that the workflow's input gives, as new Random(seed)";
    private const string Plain = "await without it, since the workflow goes on where its host runs it";

    /// <summary>Types with the members that are not to be used, <c>new()</c> a constructor without arguments, <c>new</c> any of them, <c>*</c> all there is.</summary>
    private static readonly (string Types, string Members, string Advice)[] Table =
    [
        ("System.DateTime System.DateTimeOffset", "Now UtcNow Today", Time),
        ("System.TimeProvider", "GetUtcNow GetLocalNow GetTimestamp GetElapsedTime", Time),
        ("System.Diagnostics.Stopwatch", "new new() Start StartNew GetTimestamp", Time),
        ("System.Guid", "NewGuid CreateVersion7", Identity),
        ("System.Security.Cryptography.RandomNumberGenerator", "*", Identity),
        ("System.Random", "Shared new()", Seed),
        ("System.Threading.Tasks.Task", "Delay", Wait),
        ("System.Threading.Thread", "Sleep", Wait),
        ("System.Threading.Tasks.Task", "Run", Threads),
        ("System.Threading.Tasks.TaskFactory System.Threading.Tasks.Parallel System.Threading.ThreadPool", "*", Threads),
        ("System.Threading.Thread System.Threading.Timer", "new", Threads),
        ("System.Threading.Tasks.Task", "ConfigureAwait", Plain),
        ("System.Environment", "GetEnvironmentVariable GetEnvironmentVariables TickCount TickCount64 MachineName CurrentDirectory ProcessId", Given),
        ("System.IO.File System.IO.Directory System.IO.FileStream System.IO.FileInfo System.IO.DirectoryInfo System.Net.Http.HttpClient System.Diagnostics.Process", "*", Outside),
    ];

    /// <summary>Finds what to write instead of a member.</summary>
    /// <param name="type">The type's full name, without type arguments.</param>
    /// <param name="member">The member's name; <c>new</c> for a constructor, <c>new()</c> for one without arguments.</param>
    /// <returns>The advice, or <see langword="null"/> if the member may be used.</returns>
    public static string? Advice(string type, string member) =>
        Table.Where(row => Has(row.Types, type) && (row.Members == "*" || Has(row.Members, member))).Select(row => row.Advice).FirstOrDefault();

    private static bool Has(string words, string word) => words.Split(' ').Contains(word, StringComparer.Ordinal);
}
