namespace Polyphony;

/// <summary>The base of the exceptions of this product. The message says what, where, expected, found and the next step.</summary>
/// <param name="code">A stable code in snake_case; the same in problem details over HTTP and on the CLI.</param>
/// <param name="message">The message.</param>
/// <param name="innerException">The cause.</param>
public class PolyphonyException(string code, string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Gets the stable code.</summary>
    public string Code { get; } = code;
}
