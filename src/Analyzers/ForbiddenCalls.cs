using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Polyphony.Analyzers;

/// <summary>What a function that is replayed must not call, and what it calls in its place.</summary>
internal static class ForbiddenCalls
{
    private const string Any = "*";
    private const string Constructor = ".ctor";

    // Members by the type that declares them; "*" are all of its members.
    private static readonly Dictionary<string, (string Rule, string Instead, string[] Members)[]> Types = new(StringComparer.Ordinal)
    {
        ["System.DateTime"] = [Value("Use workflow.Durable.CurrentUtcDateTime", "Now", "UtcNow", "Today")],
        ["System.DateTimeOffset"] = [Value("Use workflow.Durable.CurrentUtcDateTime", "Now", "UtcNow")],
        ["System.TimeProvider"] = [Value("Use workflow.Durable.CurrentUtcDateTime", Any)],
        ["System.Diagnostics.Stopwatch"] = [Value("Use workflow.Durable.CurrentUtcDateTime", Any)],
        ["System.Guid"] = [Value("Use workflow.Durable.NewGuid()", "NewGuid", "CreateVersion7")],
        ["System.Random"] = [Value("Pass a seed, such as one from the input", "Shared", Constructor)],
        ["System.Security.Cryptography.RandomNumberGenerator"] = [Value("Let a tool do it", Any)],
        ["System.Environment"] =
        [
            Value("Let a tool do it", "TickCount", "TickCount64", "MachineName", "ProcessId", "ProcessorCount", "CurrentManagedThreadId"),
            Outside("Pass it as input, or let a tool read it", "GetEnvironmentVariable", "GetEnvironmentVariables", "GetCommandLineArgs", "CurrentDirectory"),
        ],
        ["System.Threading.Tasks.Task"] = [Thread("Await the call itself, or let a tool do the work", "Run"), Thread("Use workflow.Durable.CreateTimerAsync", "Delay")],
        ["System.Threading.Tasks.TaskFactory"] = [Thread("Await the call itself, or let a tool do the work", Any)],
        ["System.Threading.Tasks.Parallel"] = [Thread("Use Task.WhenAll", Any)],
        ["System.Threading.Thread"] = [Thread("Use workflow.Durable.CreateTimerAsync", "Sleep"), Thread("Let a tool do it", Constructor, "Start", "Join", "Yield", "SpinWait")],
        ["System.Threading.ThreadPool"] = [Thread("Let a tool do it", Any)],
        ["System.Threading.Timer"] = [Thread("Use workflow.Durable.CreateTimerAsync", Any)],
        ["System.Threading.PeriodicTimer"] = [Thread("Use workflow.Durable.CreateTimerAsync", Any)],
        ["System.IO.File"] = [Outside("Let a tool do it", Any)],
        ["System.IO.FileInfo"] = [Outside("Let a tool do it", Any)],
        ["System.IO.FileStream"] = [Outside("Let a tool do it", Any)],
        ["System.IO.Directory"] = [Outside("Let a tool do it", Any)],
        ["System.IO.DirectoryInfo"] = [Outside("Let a tool do it", Any)],
        ["System.Net.Dns"] = [Outside("Let a tool do it", Any)],
        ["System.Net.Http.HttpClient"] = [Outside("Let a tool do it", Any)],
        ["System.Net.Http.HttpMessageInvoker"] = [Outside("Let a tool do it", Any)],
        ["System.Net.Http.Json.HttpClientJsonExtensions"] = [Outside("Let a tool do it", Any)],
        ["System.Net.Sockets.Socket"] = [Outside("Let a tool do it", Any)],
        ["System.Net.Sockets.TcpClient"] = [Outside("Let a tool do it", Any)],
        ["System.Diagnostics.Process"] = [Outside("Let a tool do it", Any)],
    };

    /// <summary>Says which rule an operation breaks, and what to do in its place.</summary>
    public static bool TryFind(IOperation operation, out string rule, out string what, out string instead)
    {
        (rule, what, instead) = (string.Empty, string.Empty, string.Empty);
        if (MemberOf(operation) is not { ContainingType: { } type } member)
        {
            return false;
        }

        if (operation is IInvocationOperation { Arguments: { Length: > 0 } arguments } && IsConfigureAwaitFalse(member, arguments))
        {
            (rule, what, instead) = (CodeWorkflowAnalyzer.ThreadRule, "ConfigureAwait(false)", "Leave it out: the function continues in the context of its workflow");
            return true;
        }

        // A generator with a seed gives the same numbers in each replay.
        if (member is IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters.Length: > 0 } && type.ToDisplayString() == "System.Random")
        {
            return false;
        }

        if (!Types.TryGetValue(type.OriginalDefinition.ToDisplayString(), out var entries))
        {
            return false;
        }

        foreach (var entry in entries)
        {
            if (Array.IndexOf(entry.Members, member.Name) >= 0 || Array.IndexOf(entry.Members, Any) >= 0)
            {
                (rule, what, instead) = (entry.Rule, member.Name == Constructor ? $"new {type.Name}" : $"{type.Name}.{member.Name}", entry.Instead);
                return true;
            }
        }

        return false;
    }

    /// <summary>Gets what an operation calls or reads.</summary>
    public static ISymbol? MemberOf(IOperation operation) => operation switch
    {
        IInvocationOperation invocation => invocation.TargetMethod,
        IPropertyReferenceOperation property => property.Property,
        IMethodReferenceOperation method => method.Method,
        IObjectCreationOperation { Constructor: { } constructor } => constructor,
        _ => null,
    };

    private static bool IsConfigureAwaitFalse(ISymbol member, System.Collections.Immutable.ImmutableArray<IArgumentOperation> arguments) =>
        member.Name == "ConfigureAwait"
        && member.ContainingNamespace.ToDisplayString() == "System.Threading.Tasks"
        && arguments[arguments.Length - 1].Value.ConstantValue is { HasValue: true, Value: false };

    private static (string Rule, string Instead, string[] Members) Value(string instead, params string[] members) => (CodeWorkflowAnalyzer.ValueRule, instead, members);

    private static (string Rule, string Instead, string[] Members) Thread(string instead, params string[] members) => (CodeWorkflowAnalyzer.ThreadRule, instead, members);

    private static (string Rule, string Instead, string[] Members) Outside(string instead, params string[] members) => (CodeWorkflowAnalyzer.OutsideRule, instead, members);
}
