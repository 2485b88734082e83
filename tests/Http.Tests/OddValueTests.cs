using System.Text;

namespace Polyphony.Http.Tests;

/// <summary>Whatever was taken can be shown: deep values, long questions; and one instance that can't be shown takes no other from a list.</summary>
[Trait("Row", "H4")]
[Trait("Row", "T4")]
public sealed class OddValueTests(HostFixture host)
{
    private const string Echo = """{"name":"echo","nodes":{"a":{"transform":"{{ input }}"}},"output":"{{ nodes.a.output }}"}""";

    private const string Ask = """{"definition":{"name":"ask","nodes":{"approve":{"human":{"prompt":"{{ input.draft }}"}}}},"input":{"draft":"DRAFT"}}""";

    [Theory]
    [InlineData(32)]
    [InlineData(57)]
    [InlineData(60)]
    [InlineData(62)]
    [InlineData(64)]
    public async Task Input_AsDeepAsIsTaken_IsShownEverywhere(int depth)
    {
        var deep = new StringBuilder().Insert(0, "{\"a\":", depth).Append('1').Append('}', depth).ToString();

        var answer = await host.Api.PostAsync("api/instances?wait=30", $$"""{"definition":{{Echo}},"input":{{deep}}}""");

        Assert.Equal("completed", answer.StopReason);
        Assert.Contains(deep, answer.Text, StringComparison.Ordinal);
        var id = answer.Json.GetProperty("instanceId").GetString();
        foreach (var path in (string[])[$"api/instances/{id}?showOutcomes=true&showHistory=true&showHistoryOutput=true", $"api/instances/{id}/history", "api/instances?showInput=true", "api/approvals"])
        {
            Assert.Equal(200, (int)(await host.Api.GetAsync(path)).Status);
        }

        var sent = 0;
        await foreach (var _ in host.Api.ReadStreamAsync(id!, null))
        {
            sent++;
        }

        Assert.True(sent > 2);
    }

    [Theory]
    [InlineData(1_000, false)]
    [InlineData(16_000, false)]
    [InlineData(60_000, true)]
    public async Task Question_OfAnyLength_IsShownWholeOrWithAnAddressForIt(int length, bool isCut)
    {
        var question = new string('q', length - 3) + "END";
        var start = await host.Api.PostAsync("api/instances", Ask.Replace("DRAFT", question, StringComparison.Ordinal));
        var id = start.Json.GetProperty("id").GetString()!;
        await foreach (var sent in host.Api.ReadStreamAsync(id, null))
        {
            if (sent.Type != "status" || !sent.Json.TryGetProperty("customStatus", out var custom) || custom.GetProperty("waitingFor").GetArrayLength() == 0)
            {
                continue;
            }

            var wait = custom.GetProperty("waitingFor")[0];
            Assert.EndsWith("… (shortened)", wait.GetProperty("prompt").GetString(), StringComparison.Ordinal);
            Assert.False(wait.TryGetProperty("question", out _));
            Assert.Equal(question, (await ReadAsync(wait.GetProperty("promptGetUri").GetString()!)).GetString());
            break;
        }

        var listed = (await host.Api.GetAsync("api/approvals")).Json.EnumerateArray().Single(each => each.GetProperty("instanceId").GetString() == id);
        Assert.Equal(isCut, listed.TryGetProperty("promptGetUri", out var address));
        Assert.Equal(question, isCut ? (await ReadAsync(address.GetString()!)).GetString() : listed.GetProperty("prompt").GetString());
    }

    private async Task<System.Text.Json.JsonElement> ReadAsync(string address) => (await host.Api.GetAsync(new Uri(address).PathAndQuery[1..])).Json.GetProperty("prompt");
}
