using Microsoft.Extensions.Logging;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Storage;

/// <summary>Waits of the writer for what others have taken: the write lock, and room on the disk. Says once why it waits, and once that it continues.</summary>
/// <remarks>By the time of the system: what it waits for happens outside of any clock of a test.</remarks>
internal sealed class WriteWait(string? path, ILogger log)
{
    /// <summary>The least room on the disk with which a transaction is begun: more than the usual one needs, so that it does not fail half-way.</summary>
    internal const long LeastRoom = 4 * 1024 * 1024;

    private const long BetweenLooks = 100;
    private const int BeforeSaid = 1000;
    private readonly string? _folder = path is null ? null : Path.GetDirectoryName(Path.GetFullPath(path));
    private long _lastLook = -BetweenLooks;
    private long _began;
    private bool _said;
    private volatile string? _reason;
    private volatile bool _isFull;
    private volatile bool _stopped;

    /// <summary>Gets why nothing can be written at present, or <see langword="null"/>.</summary>
    internal string? Reason => _reason;

    /// <summary>Gets or sets how much room there is, in bytes; of a test.</summary>
    internal Func<string, long> Room { get; set; } = static folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Gets a value indicating whether the last look at the disk is so long ago that another is due.</summary>
    internal bool IsTimeToLook => Environment.TickCount64 - _lastLook >= BetweenLooks;

    /// <summary>Gets a value indicating whether the disk is full.</summary>
    internal bool IsFull => _isFull;

    internal void Stop() => _stopped = true;

    /// <summary>Waits until there is room on the disk.</summary>
    internal void ForRoom(TimeSpan? atMost)
    {
        while (_folder is not null)
        {
            var room = FindRoom(_folder);
            if (room >= LeastRoom)
            {
                _lastLook = Environment.TickCount64;
                _isFull = false;
                return;
            }

            _isFull = true;
            Note($"There is no space on the disk of the data file \"{path}\": {room / 1024} KB are free, {LeastRoom / 1024} are needed", sayAtOnce: true);
            if (IsOver(atMost))
            {
                throw DataFileException.Full(path!, $"{room / 1024} KB are free");
            }

            Thread.Sleep((int)BetweenLooks);
        }
    }

    /// <summary>Notes that a try has met the lock of another process.</summary>
    internal void ForLock(TimeSpan? atMost)
    {
        Note($"Another process holds the write lock of the data file \"{path}\"", sayAtOnce: false);
        if (IsOver(atMost))
        {
            throw DataFileException.Locked(path!, "the write lock is held");
        }
    }

    internal void End()
    {
        if (_reason is null)
        {
            return;
        }

        if (_said)
        {
            Log.WaitEnded(log, path!, (Environment.TickCount64 - _began) / 1000.0);
        }

        (_reason, _said) = (null, false);
    }

    private bool IsOver(TimeSpan? atMost) => _stopped || Environment.TickCount64 - _began > atMost?.TotalMilliseconds;

    private void Note(string reason, bool sayAtOnce)
    {
        var now = Environment.TickCount64;
        if (_reason is null)
        {
            _began = now;
        }

        if (!_said && (sayAtOnce || now - _began >= BeforeSaid))
        {
            _said = true;
            Log.Waiting(log, reason);
        }

        _reason = reason;
    }

    private long FindRoom(string folder)
    {
        try
        {
            return Room(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Not known: the file system itself is to say.
            return long.MaxValue;
        }
    }
}
