using System.Text;
using Polyphony.Hosting.DataFolders;

namespace Polyphony.Cli.Logging;

/// <summary>
/// The log of a data folder: lines in a file that is started over, keeping the previous one as <c>.old</c>, when it has grown large. A log that can't be written is said once on
/// stderr and stops nothing; when it can be written again, it is. Thread-safe.
/// </summary>
internal sealed class LogFile : IDisposable
{
    /// <summary>The maximum size of one file in bytes; there are at most two.</summary>
    public const long MaxBytes = 5 * 1024 * 1024;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly Action<string> _complain;
    private readonly TimeProvider _clock;
    private readonly long _maxBytes;
    private FileStream? _file;
    private long _looked;
    private bool _complained;
    private bool _disposed;

    /// <summary>Opens the log.</summary>
    /// <param name="path">The file.</param>
    /// <param name="complain">Takes the one sentence that is said when the log can't be written.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="maxBytes">The maximum size of one file in bytes.</param>
    public LogFile(string path, Action<string> complain, TimeProvider clock, long maxBytes = MaxBytes)
    {
        _path = path;
        _complain = complain;
        _clock = clock;
        _maxBytes = maxBytes;
        Try(Open);
    }

    /// <summary>Adds a line.</summary>
    /// <param name="line">The line, without its end.</param>
    public void Write(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            // Somebody may have moved or removed the file, and what failed a moment ago fails again: both are looked at now and then.
            if (_clock.GetElapsedTime(_looked) >= BetweenLooks && (_file is null || !File.Exists(_path)))
            {
                Try(Open);
            }

            if (_file is not null)
            {
                Try(() => Append(bytes));
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Close();
        }
    }

    private void Append(byte[] bytes)
    {
        if (_file!.Length > 0 && _file.Length + bytes.Length > _maxBytes)
        {
            Close();
            File.Move(_path, _path + ".old", overwrite: true);
            Open();
        }

        _file!.Write(bytes);
        _file.Flush();
        _complained = false;
    }

    private void Open()
    {
        Close();
        _looked = _clock.GetTimestamp();

        // Others may read it, and move it away, while it is written.
        _file = DataFiles.Open(_path, FileMode.Append, FileShare.ReadWrite | FileShare.Delete);
    }

    private void Close()
    {
        var file = _file;
        _file = null;
        file?.Dispose();
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _looked = _clock.GetTimestamp();
            try
            {
                Close();
            }
            catch (IOException)
            {
                // What was not written yet is lost; the file is closed all the same.
            }

            if (!_complained)
            {
                _complained = true;
                _complain($"The log \"{_path}\" cannot be written: {e.Message} The host continues without it, and writes it again when it can.");
            }
        }
    }
}
