using Microsoft.AspNetCore.Server.Kestrel.Core;
using Polyphony.Cli.Hosting;

namespace Polyphony.Http.Tests;

/// <summary>The limits that docs/http.md names.</summary>
[Trait("Row", "H1")]
public sealed class ConnectionLimitsTests
{
    [Fact]
    public void Apply_OfTheDefaults_SetsWhatIsDocumented()
    {
        var limits = new KestrelServerLimits();
        new ConnectionLimits().Apply(limits);

        Assert.Equal((8192, 32768, 100, 67_108_864L), (limits.MaxRequestLineSize, limits.MaxRequestHeadersTotalSize, limits.MaxRequestHeaderCount, limits.MaxRequestBodySize));
        Assert.Equal((TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(130)), (limits.RequestHeadersTimeout, limits.KeepAliveTimeout));
        Assert.Equal((1024.0, TimeSpan.FromSeconds(5)), (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod));
        Assert.Equal((1024.0, TimeSpan.FromSeconds(5)), (limits.MinResponseDataRate!.BytesPerSecond, limits.MinResponseDataRate.GracePeriod));
        Assert.Null(limits.MaxConcurrentConnections);
    }
}
