using System.Diagnostics;
using System.Text.Json;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Load.Tests.Clients;

/// <summary>The API as somebody with nothing but <c>curl</c> meets it.</summary>
[Trait("Row", "H1")]
[Trait("Row", "H2")]
[Trait("Row", "H3")]
[Trait("Row", "H5")]
[Trait("Row", "H7")]
public sealed class CurlTests : IDisposable
{
    private const string Key = "a-key-of-this-test";
    private readonly LoadFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Curl_StartsWatchesAnswersAndRemoves()
    {
        Assert.SkipUnless(IsThere(), "curl is not installed on this machine; install it to run this test.");
        await using var model = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Text($"about {request.Prompt}"));
        _folder.Write("workflows/publish.yaml", """
            name: publish
            input: { type: object, required: [topic], properties: { topic: { type: string } } }
            models: { m: { provider: openai, model: curl-model } }
            agents: { a: { model: m } }
            nodes:
              draft: { agent: a, prompt: "{{ input.topic }}" }
              approve: { human: { prompt: "Publish {{ nodes.draft.output }}?", schema: { type: object, required: [ok], properties: { ok: { type: boolean } } } } }
            output: { text: "{{ nodes.draft.output }}", ok: "{{ nodes.approve.output.ok }}" }
            """);
        await using var host = HostProcess.Start(
            _folder.Path, ("OPENAI_BASE_URL", model.Endpoint.ToString()), ("OPENAI_API_KEY", "sk-of-this-test"), ("POLYPHONY_API_KEY", Key));
        var address = await host.AddressAsync();
        string[] secret = ["-H", $"X-API-Key: {Key}"];

        Assert.Equal(401, (await CurlAsync($"{address}api/instances")).Status);

        string[] start = [.. secret, "-H", "Content-Type: application/json", "-H", "Idempotency-Key: once", "-d", """{"input":{"topic":"tides"}}""", $"{address}api/workflows/publish/instances"];
        var (status, head, body) = await CurlAsync(start);
        Assert.Equal(202, status);
        var id = body.GetProperty("id").GetString();
        Assert.Contains($"Location: {body.GetProperty("statusQueryGetUri").GetString()}", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Retry-After: 10", head, StringComparison.OrdinalIgnoreCase);
        (status, _, body) = await CurlAsync(start);
        Assert.Equal((202, id), (status, body.GetProperty("id").GetString()));

        var answerTo = await QuestionAsync(id!, address, secret);
        Assert.Equal(400, (await CurlAsync([.. secret, "-H", "Content-Type: application/json", "-d", """{"ok":"perhaps"}""", answerTo])).Status);
        Assert.Equal(202, (await CurlAsync([.. secret, "-H", "Content-Type: application/json", "-d", """{"ok":true}""", answerTo])).Status);

        (status, _, body) = await CurlAsync([.. secret, $"{address}api/instances/{id}?wait=60"]);
        Assert.Equal(200, status);
        Assert.Equal("Completed", body.GetProperty("runtimeStatus").GetString());
        Assert.Equal("""{"text":"about tides","ok":true}""", body.GetProperty("output").GetRawText());

        var stream = await OutputAsync(["-sS", "-N", .. secret, $"{address}api/instances/{id}/stream"]);
        Assert.Contains("event: history\n", stream, StringComparison.Ordinal);
        Assert.EndsWith("event: end\ndata: {\"reason\":\"finished\"}\n\n", stream, StringComparison.Ordinal);

        (status, head, body) = await CurlAsync([.. secret, "-X", "POST", $"{address}api/instances/{id}/terminate"]);
        Assert.Equal((410, "invalid_status"), (status, body.GetProperty("code").GetString()));
        Assert.Contains("Content-Type: application/problem+json", head, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(200, (await CurlAsync([.. secret, "-X", "DELETE", $"{address}api/instances/{id}"])).Status);
        Assert.Equal(404, (await CurlAsync([.. secret, $"{address}api/instances/{id}"])).Status);

        // The model got the key of the environment, and was asked once.
        Assert.Equal("Bearer sk-of-this-test", Assert.Single(model.Requests).Headers["Authorization"]);
    }

    // Follows the stream of the instance until it waits for a person; curl ends it by itself, since the pipe is closed.
    private static async Task<string> QuestionAsync(string id, Uri address, string[] secret)
    {
        using var curl = Start(["-sS", "-N", .. secret, $"{address}api/instances/{id}/stream"]);
        while (await curl.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && line.Contains("\"waitingFor\":[{", StringComparison.Ordinal))
            {
                break;
            }
        }

        curl.Kill();
        await curl.WaitForExitAsync();
        var (status, _, approvals) = await CurlAsync([.. secret, $"{address}api/approvals"]);
        Assert.Equal(200, status);
        var approval = Assert.Single(approvals.EnumerateArray());
        Assert.Equal(("Publish about tides?", id), (approval.GetProperty("prompt").GetString(), approval.GetProperty("instanceId").GetString()));
        return approval.GetProperty("answerPostUri").GetString()!;
    }

    private static async Task<(int Status, string Head, JsonElement Body)> CurlAsync(params string[] arguments)
    {
        var output = await OutputAsync(["-sS", "-i", .. arguments]);
        var parts = output.Split("\r\n\r\n", 2);
        return (int.Parse(parts[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), parts[0], parts[1].Length == 0 ? default : JsonElement.Parse(parts[1]));
    }

    private static async Task<string> OutputAsync(string[] arguments)
    {
        using var curl = Start(arguments);
        var output = await curl.StandardOutput.ReadToEndAsync();
        await curl.WaitForExitAsync();
        Assert.True(curl.ExitCode == 0, $"curl {string.Join(' ', arguments)} ended with code {curl.ExitCode}.");
        return output;
    }

    private static Process Start(string[] arguments) =>
        Process.Start(new ProcessStartInfo("curl", ["--noproxy", "*", "--max-time", "90", .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false })!;

    private static bool IsThere()
    {
        try
        {
            using var curl = Process.Start(new ProcessStartInfo("curl", ["--version"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            curl.StandardOutput.ReadToEnd();
            curl.WaitForExit();
            return curl.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
