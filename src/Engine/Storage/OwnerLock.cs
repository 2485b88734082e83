using System.Text.Json;

namespace Polyphony.Engine.Storage;

/// <summary>
/// Holds a data file for this process: an exclusive lock of the operating system on a file beside it, which ends with the process
/// however it ends. Who it is stands in a second file, because a locked one cannot be read on every system.
/// </summary>
internal sealed class OwnerLock : IDisposable
{
    private const int Attempts = 5;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(20);

    private readonly string _path;
    private readonly FileStream _lock;
    private EngineOwner _owner;

    private OwnerLock(string path, FileStream held, EngineOwner owner)
    {
        _path = path;
        _lock = held;
        _owner = owner;
        Write();
    }

    /// <exception cref="DataFolderInUseException">Another process, or another engine of this one, holds it.</exception>
    internal static OwnerLock Acquire(string path, DateTimeOffset now, string? note)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                PrivateFile.Restrict(LockPath(path));
                var held = PrivateFile.Open(LockPath(path), FileMode.OpenOrCreate, FileShare.None);
                return new OwnerLock(path, held, new EngineOwner(Environment.ProcessId, Environment.MachineName, now, note));
            }
            catch (IOException e) when (IsHeld(e) && attempt < Attempts)
            {
                // Someone may just be looking whether the file is held.
                Thread.Sleep(BetweenAttempts);
            }
            catch (IOException e) when (IsHeld(e))
            {
                throw new DataFolderInUseException(path, ReadOwner(path));
            }
            catch (IOException e) when (IsFull(e))
            {
                throw DataFileException.Full(path, e.Message);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw DataFileException.ReadOnly(path, e.Message);
            }
        }
    }

    internal static EngineOwner? Read(string path)
    {
        if (!File.Exists(LockPath(path)))
        {
            return null;
        }

        try
        {
            using var free = new FileStream(LockPath(path), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
            return null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (IOException)
        {
            return ReadOwner(path);
        }
    }

    internal void SetNote(string? note)
    {
        _owner = _owner with { Note = note };
        Write();
    }

    public void Dispose()
    {
        try
        {
            File.Delete(OwnerPath(_path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It says nothing any more once the lock is free.
        }

        _lock.Dispose();
    }

    // The lock of another: EAGAIN of Linux and of macOS, a sharing violation of Windows.
    private static bool IsHeld(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    // ENOSPC, and its name on Windows.
    private static bool IsFull(IOException e) => e.HResult is 28 or unchecked((int)0x80070070);

    private static string LockPath(string path) => path + ".lock";

    private static string OwnerPath(string path) => path + ".owner";

    private static EngineOwner? ReadOwner(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(OwnerPath(path)), OwnerJsonContext.Default.EngineOwner);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    private void Write()
    {
        var temporary = OwnerPath(_path) + ".new";
        using (var file = PrivateFile.Open(temporary, FileMode.Create, FileShare.Read))
        {
            JsonSerializer.Serialize(file, _owner, OwnerJsonContext.Default.EngineOwner);
        }

        PrivateFile.Restrict(temporary);
        File.Move(temporary, OwnerPath(_path), overwrite: true);
    }
}
