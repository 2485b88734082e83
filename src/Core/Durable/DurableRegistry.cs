namespace Polyphony.Core.Durable;

/// <summary>An orchestrator function: deterministic, replayed.</summary>
/// <param name="context">Everything that the function may use.</param>
/// <param name="input">JSON, or <see langword="null"/>.</param>
/// <returns>The output as JSON, or <see langword="null"/>.</returns>
public delegate Task<string?> OrchestrationFunction(OrchestrationContext context, string? input);

/// <summary>An activity function: may do I/O, and may run more than once.</summary>
/// <param name="context">Which run this is.</param>
/// <param name="input">JSON, or <see langword="null"/>.</param>
/// <returns>The result as JSON, or <see langword="null"/>.</returns>
public delegate Task<string?> ActivityFunction(ActivityContext context, string? input);

/// <summary>An entity function: runs one operation.</summary>
/// <param name="context">The operation and the state.</param>
/// <returns>The operation's result as JSON, or <see langword="null"/>.</returns>
public delegate Task<string?> EntityFunction(EntityContext context);

/// <summary>The functions that a host runs, by name. Filled at start, read-only afterwards. Names are never names of CLR types.</summary>
public sealed class DurableRegistry
{
    private readonly Dictionary<string, OrchestrationFunction> _orchestrations = new(StringComparer.Ordinal);
    private readonly HashSet<string> _freeInputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _eternal = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ActivityFunction> _activities = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EntityFunction> _entities = new(StringComparer.Ordinal);

    /// <summary>Gets the orchestrator functions by name.</summary>
    public IReadOnlyDictionary<string, OrchestrationFunction> Orchestrations => _orchestrations;

    /// <summary>Gets the activity functions by name.</summary>
    public IReadOnlyDictionary<string, ActivityFunction> Activities => _activities;

    /// <summary>Gets the entity functions by name.</summary>
    public IReadOnlyDictionary<string, EntityFunction> Entities => _entities;

    /// <summary>Adds an orchestrator function.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">The function.</param>
    /// <param name="compareInputs">
    /// Whether the embedded engine compares, in a replay, what the function passes to others with its history, and not only what it calls: a difference
    /// shows code that is not deterministic, or was changed. Not for code that may write the same in another way after an update. Durable Task
    /// compares no inputs.
    /// </param>
    /// <param name="isEternal">
    /// Whether it never ends, and starts children all its life. <see cref="DurableLimits.MaxDescendants"/> then counts for each of its children by itself, and not for all of them together.
    /// </param>
    /// <returns>This registry.</returns>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public DurableRegistry AddOrchestration(string name, OrchestrationFunction function, bool compareInputs = true, bool isEternal = false)
    {
        _orchestrations.Add(name, function);
        if (!compareInputs)
        {
            _freeInputs.Add(name);
        }

        if (isEternal)
        {
            _eternal.Add(name);
        }

        return this;
    }

    /// <summary>Determines whether a replay compares the inputs that an orchestrator function passes on.</summary>
    /// <param name="orchestration">Its name.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public bool ComparesInputs(string orchestration) => !_freeInputs.Contains(orchestration);

    /// <summary>Tells whether an orchestrator function never ends.</summary>
    /// <param name="orchestration">Its name.</param>
    /// <returns>Whether it does.</returns>
    public bool IsEternal(string orchestration) => _eternal.Contains(orchestration);

    /// <summary>Adds an activity function.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">The function.</param>
    /// <returns>This registry.</returns>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public DurableRegistry AddActivity(string name, ActivityFunction function)
    {
        _activities.Add(name, function);
        return this;
    }

    /// <summary>Adds an entity function.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">The function.</param>
    /// <returns>This registry.</returns>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public DurableRegistry AddEntity(string name, EntityFunction function)
    {
        _entities.Add(name, function);
        return this;
    }

    /// <summary>Adds all functions of another registry.</summary>
    /// <param name="other">The other registry.</param>
    /// <returns>This registry.</returns>
    /// <exception cref="ArgumentException">A name is taken.</exception>
    public DurableRegistry AddAll(DurableRegistry other)
    {
        foreach (var (name, function) in other._orchestrations)
        {
            AddOrchestration(name, function, other.ComparesInputs(name), other.IsEternal(name));
        }

        foreach (var (name, function) in other._activities)
        {
            _activities.Add(name, function);
        }

        foreach (var (name, function) in other._entities)
        {
            _entities.Add(name, function);
        }

        return this;
    }
}
