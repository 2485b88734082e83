namespace Polyphony.Contract.Http;

/// <summary>Many clients at once: no error that is not theirs.</summary>
[Trait("Row", "T2")]
[Trait("Row", "T4")]
public abstract class LoadContract(ApiTarget api)
{
    private const int Clients = 200;

    [Fact]
    public async Task Clients_StartingPollingStreamingAndCancelling_AllGetTheirAnswers()
    {
        var ended = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
        {
            switch (client % 4)
            {
                case 0:
                    return (await api.PostAsync("api/workflows/hello/instances?wait=60", $$$"""{"input":{"name":"client {{{client}}}"}}""")).StopReason;
                case 1:
                    var polled = await api.StartAsync("hello", $$"""{"name":"client {{client}}"}""");
                    var status = await api.GetAsync($"api/instances/{polled}?wait=60");
                    Assert.Equal($"client {client}", status.Json.GetProperty("output").GetProperty("to").GetString());
                    return status.StopReason;
                case 2:
                    var streamed = await api.StartAsync("hello", $$"""{"name":"client {{client}}"}""");
                    string? last = null;
                    await foreach (var sent in api.ReadStreamAsync(streamed, null))
                    {
                        last = sent.Type == "status" && sent.Json.TryGetProperty("stopReason", out var reason) ? reason.GetString() : last;
                    }

                    return last;
                default:
                    var cancelled = await api.StartAsync("approval", """{"topic":"new prices"}""");
                    Assert.Equal(202, (int)(await api.PostAsync($"api/instances/{cancelled}/terminate?reason=load")).Status);
                    return (await api.GetAsync($"api/instances/{cancelled}?wait=60")).StopReason;
            }
        }));

        for (var client = 0; client < Clients; client++)
        {
            Assert.Equal(client % 4 == 3 ? "cancelled" : "completed", ended[client]);
        }
    }
}
