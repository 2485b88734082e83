namespace Polyphony.TestKit.Stores;

/// <summary>Stands for the death of the process at this point.</summary>
public sealed class SimulatedCrashException() : Exception("Simulated crash.");
