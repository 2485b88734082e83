namespace Polyphony.Engine.Simulation;

/// <summary>Everything that is ready to run in a simulation, and the one thread that runs it in an order drawn from the seed.</summary>
internal sealed class SimulationLoop(int seed) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<(int Epoch, Action Work)> _ready = [];
    private readonly AutoResetEvent _arrived = new(false);
    private readonly Random _random = new(seed);
    private bool _ended;

    /// <summary>
    /// Adds work of the test itself (epoch 0) or of an engine. What belongs to a crashed engine is dropped, and so is what arrives from another
    /// thread after the simulation has ended: nobody is left to run it.
    /// </summary>
    internal void Add(int epoch, Action work)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            if (epoch == 0 || epoch == Epoch)
            {
                _ready.Add((epoch, work));
            }

            _arrived.Set();
        }
    }

    /// <summary>Gets the number of the engine that runs, from 1.</summary>
    internal int Epoch { get; private set; }

    /// <summary>Drops everything of the engine before.</summary>
    internal void BeginEpoch()
    {
        lock (_gate)
        {
            Epoch++;
            _ready.RemoveAll(static item => item.Epoch > 0);
        }
    }

    /// <summary>Takes one of what is ready.</summary>
    internal Action? Take()
    {
        lock (_gate)
        {
            if (_ready.Count == 0)
            {
                return null;
            }

            var index = _random.Next(_ready.Count);
            var work = _ready[index].Work;
            _ready.RemoveAt(index);
            return work;
        }
    }

    /// <summary>Draws a number below 1.</summary>
    internal double Draw() => _random.NextDouble();

    internal int Draw(int below) => _random.Next(below);

    /// <summary>Waits for work from outside the simulation.</summary>
    internal bool WaitForMore(TimeSpan atMost) => _arrived.WaitOne(atMost);

    /// <summary>Ends the simulation.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _arrived.Dispose();
        }
    }
}

/// <summary>An engine's view of the loop.</summary>
internal sealed class SeededScheduler(SimulationLoop loop, SkippingClock clock) : WatchedScheduler(clock)
{
    private readonly int _epoch = loop.Epoch;

    public override void Poke()
    {
        // The loop itself tries to jump when nothing is ready.
    }

    protected override void Queue(Action work) => loop.Add(_epoch, work);
}
