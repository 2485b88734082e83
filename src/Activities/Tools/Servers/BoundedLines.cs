namespace Polyphony.Activities.Tools.Servers;

/// <summary>A stream whose lines are bounded, and whose reader would keep the whole of one in memory.</summary>
/// <param name="inner">The stream.</param>
/// <param name="longest">The most bytes of a line.</param>
/// <param name="isOneLine">Whether the whole stream counts as one line.</param>
internal sealed class BoundedLines(Stream inner, long longest, bool isOneLine = false) : Stream
{
    private const byte LineEnd = (byte)'\n';
    private long _length;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Counted(buffer.AsSpan(offset, inner.Read(buffer, offset, count)));

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        return Counted(buffer.Span[..count]);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Counted(ReadOnlySpan<byte> read)
    {
        var last = isOneLine ? -1 : read.LastIndexOf(LineEnd);
        var first = isOneLine ? -1 : read.IndexOf(LineEnd);
        if (_length + (first < 0 ? read.Length : first) > longest)
        {
            throw new IOException($"A message of the server has more than {longest:N0} bytes, which is the limit");
        }

        _length = last < 0 ? _length + read.Length : read.Length - last - 1;
        return read.Length;
    }
}
