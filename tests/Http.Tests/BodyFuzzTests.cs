using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Polyphony.TestKit.Fuzzing;

namespace Polyphony.Http.Tests;

/// <summary>Broken bodies are answered with what is wrong, never with a fault of the host.</summary>
[Trait("Row", "H1")]
public sealed class BodyFuzzTests(HostFixture host)
{
    private static readonly string[] Pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "-1", "1e400", "9999999999999999999", "\\ud800", "\\u0000", "\uFEFF", "é", "\U0001F600", "{{", "}}", "\"input\":{},", "\"input\":",
        "\"$ref\":\"#\",", "\"nodes\":{}", "\"a -> b\"", "\"anyOf\":[{}]", "{\"a\":", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "/*x*/", "'",
    ];

    private static readonly string[] Requests =
    [
        "api/workflows/hello/instances\n{\"input\":{\"name\":\"Ann\",\"tags\":[\"a\",\"b\"]},\"instanceId\":\"fuzz\",\"tags\":{\"team\":\"x\"}}",
        "api/instances\n{\"definition\":{\"name\":\"x\",\"input\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1}}},\"nodes\":{\"a\":{\"transform\":\"{{ input.n * 2 }}\"},\"b\":{\"transform\":1}},\"edges\":[\"a -> b\"]},\"input\":{\"n\":3}}",
        "api/instances\n{\"workflow\":\"hello\",\"input\":{\"name\":\"Ann\"}}",
        "api/instances/no-such-instance/events/go\n{\"approved\":true,\"note\":\"yes\"}",
        "api/instances/no-such-instance/terminate\n{\"reason\":\"enough\"}",
        "api/instances/no-such-instance/rewind\n{\"reason\":\"again\"}",
    ];

    [Fact]
    public void Post_MutatedBody_IsAnsweredOrRefused()
    {
        var refused = 0;
        var tried = Fuzz.Check(20261103, 600, Make, text =>
        {
            var end = text.IndexOf('\n', StringComparison.Ordinal);
            if (end < 0 || !Uri.TryCreate(host.Api.Address, text[..end], out var address) || !address.AbsolutePath.StartsWith("/api/", StringComparison.Ordinal))
            {
                return;
            }

            var (status, type, body) = Send(address, text[(end + 1)..]);
            Assert.True(status < 500, $"{status}: {body}");
            if (status < 400)
            {
                return;
            }

            refused++;
            Assert.Equal("application/problem+json", type);
            var problem = JsonElement.Parse(body);
            Assert.Equal(status, problem.GetProperty("status").GetInt32());
            Assert.NotEmpty(problem.GetProperty("code").GetString()!);
        });
        Assert.True(refused > tried / 4, $"only {refused} of {tried} were refused");
    }

    private static string Make(Random random)
    {
        var request = Requests[random.Next(Requests.Length)];
        var end = request.IndexOf('\n', StringComparison.Ordinal) + 1;
        return request[..end] + Fuzz.Mutate(request[end..], Pieces, random);
    }

    // Every other body is not UTF-8 where it is not ASCII.
    private (int Status, string? Type, string Body) Send(Uri address, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent((body.Length % 2 == 0 ? Encoding.UTF8 : Encoding.Latin1).GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = host.Api.Http.Send(request);
        using var reader = new StreamReader(response.Content.ReadAsStream());
        return ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, reader.ReadToEnd());
    }
}
