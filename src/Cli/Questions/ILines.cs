namespace Polyphony.Cli.Questions;

/// <summary>Where a person is asked, line by line.</summary>
internal interface ILines
{
    /// <summary>Writes without ending the line.</summary>
    void Write(string text);

    /// <summary>Writes and ends the line.</summary>
    void WriteLine(string text);

    /// <summary>Reads a line.</summary>
    /// <param name="cancellationToken">Stops waiting for it.</param>
    /// <returns>The line, or <see langword="null"/> if the person has ended the input.</returns>
    Task<string?> ReadLineAsync(CancellationToken cancellationToken);
}
