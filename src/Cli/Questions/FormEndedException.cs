namespace Polyphony.Cli.Questions;

/// <summary>The person has ended the input before everything was answered.</summary>
internal sealed class FormEndedException() : Exception("The input ended before everything was answered.");
