namespace Polyphony.Cli.Output;

/// <summary>Stdout and stderr, behind a guard: names, ids, answers and errors come from anywhere, and a terminal acts on what it is sent.</summary>
internal static class Terminal
{
    /// <summary>Gets stderr as it is, for what draws on it by control sequences of its own. Texts must go through <see cref="PlainText"/>.</summary>
    public static TextWriter Drawing { get; private set; } = Console.Error;

    /// <summary>Puts the guard before both, for the rest of the process.</summary>
    public static void Guard()
    {
        Drawing = Console.Error;
        Console.SetOut(new PlainTextWriter(Console.Out));
        Console.SetError(new PlainTextWriter(Console.Error));
    }
}
