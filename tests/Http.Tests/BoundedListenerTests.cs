using System.Net;
using Microsoft.AspNetCore.Connections;
using Polyphony.Cli.Hosting;

namespace Polyphony.Http.Tests;

[Trait("Row", "H9")]
public sealed class BoundedListenerTests
{
    [Fact]
    public async Task Accept_AsManyOpenAsMayBe_WaitsUntilOneIsGone()
    {
        var token = TestContext.Current.CancellationToken;
        await using var listener = await new BoundedListenerFactory(new Source(), most: 2).BindAsync(new IPEndPoint(IPAddress.Loopback, 0), token);
        var first = await listener.AcceptAsync(token);
        var second = await listener.AcceptAsync(token);

        var third = listener.AcceptAsync(token).AsTask();
        Assert.False(third.IsCompleted);

        await first!.DisposeAsync();
        await first.DisposeAsync();
        Assert.NotNull(await third);
        Assert.False(listener.AcceptAsync(token).AsTask().IsCompleted);
        await second!.DisposeAsync();
    }

    [Fact]
    public async Task Unbind_AcceptWaitsForAPlace_FindsThatNothingComes()
    {
        var token = TestContext.Current.CancellationToken;
        await using var listener = await new BoundedListenerFactory(new Source(), most: 1).BindAsync(new IPEndPoint(IPAddress.Loopback, 0), token);
        Assert.NotNull(await listener.AcceptAsync(token));
        var waits = listener.AcceptAsync(token).AsTask();

        await listener.UnbindAsync(token);

        Assert.Null(await waits);
    }

    private sealed class Source : IConnectionListenerFactory, IConnectionListener
    {
        private volatile bool _unbound;

        public EndPoint EndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 1);

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => new(_unbound ? null : new DefaultConnectionContext());

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _unbound = true;
            return default;
        }

        public ValueTask DisposeAsync() => default;
    }
}
