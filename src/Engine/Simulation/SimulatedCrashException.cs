namespace Polyphony.Engine.Simulation;

/// <summary>A crash that a simulation made happen at a commit.</summary>
internal sealed class SimulatedCrashException() : PolyphonyException("simulated_crash", "The simulation crashed the engine here.");
