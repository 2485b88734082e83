using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Azure.Identity;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tests.Errors;

[Trait("Row", "C9")]
public sealed class HttpErrorsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(400, null, ErrorCodes.BadRequest, ErrorKind.Terminal)]
    [InlineData(400, "content_filter", ErrorCodes.ContentFilter, ErrorKind.Terminal)]
    [InlineData(400, "content_policy_violation", ErrorCodes.ContentFilter, ErrorKind.Terminal)]
    [InlineData(400, "context_length_exceeded", ErrorCodes.ContextTooLong, ErrorKind.Terminal)]
    [InlineData(400, "model_not_found", ErrorCodes.ModelNotFound, ErrorKind.Terminal)]
    [InlineData(401, "invalid_api_key", ErrorCodes.Authentication, ErrorKind.Terminal)]
    [InlineData(403, null, ErrorCodes.Authentication, ErrorKind.Terminal)]
    [InlineData(404, "DeploymentNotFound", ErrorCodes.ModelNotFound, ErrorKind.Terminal)]
    [InlineData(408, null, ErrorCodes.Timeout, ErrorKind.Transient)]
    [InlineData(409, null, ErrorCodes.ProviderUnavailable, ErrorKind.Transient)]
    [InlineData(413, null, ErrorCodes.ContextTooLong, ErrorKind.Terminal)]
    [InlineData(422, null, ErrorCodes.BadRequest, ErrorKind.Terminal)]
    [InlineData(429, "rate_limit_exceeded", ErrorCodes.RateLimited, ErrorKind.RateLimited)]
    [InlineData(429, "insufficient_quota", ErrorCodes.RateLimited, ErrorKind.Terminal)]
    [InlineData(500, null, ErrorCodes.ProviderUnavailable, ErrorKind.Transient)]
    [InlineData(502, null, ErrorCodes.ProviderUnavailable, ErrorKind.Transient)]
    [InlineData(503, "engine_overloaded", ErrorCodes.ProviderUnavailable, ErrorKind.Transient)]
    [InlineData(529, null, ErrorCodes.ProviderUnavailable, ErrorKind.Transient)]
    [InlineData(304, null, ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient)]
    public void Classify_Status_GivesCodeAndKind(int status, string? code, string expected, ErrorKind kind)
    {
        var error = HttpErrors.Classify(new HttpFailure(status, "said") { Code = code, Names = code is null ? [] : [code] }, Now);

        Assert.Equal((expected, kind), (error.Code, error.Kind));
        Assert.Contains("said", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Row", "C4")]
    [InlineData("1500", "9", 1500L)]
    [InlineData("0.5", null, 1L)]
    [InlineData(null, "9", 9000L)]
    [InlineData(null, "1.5", 1500L)]
    [InlineData(null, "Thu, 01 Jan 2026 00:02:00 GMT", 120_000L)]
    [InlineData(null, "Wed, 31 Dec 2025 23:00:00 GMT", 0L)]
    [InlineData(null, "86400", 3_600_000L)]
    [InlineData("-5", null, 0L)]
    [InlineData("soon", "later", null)]
    [InlineData("NaN", "3", 3000L)]
    [InlineData("1e400", "3", 3000L)]
    [InlineData(null, null, null)]
    public void Classify_RetryAfter_IsReadFromBothHeadersAndCapped(string? milliseconds, string? after, long? expected) =>
        Assert.Equal(expected, HttpErrors.Classify(HttpFailure.Read(429, [], name => name switch { "retry-after-ms" => milliseconds, "retry-after" => after, _ => null }, Redaction.None), Now).RetryAfterMs);

    public static TheoryData<Exception, string, ErrorKind> Exceptions => new()
    {
        { new HttpRequestException("dns", new SocketException((int)SocketError.HostNotFound)), ErrorCodes.ProviderUnavailable, ErrorKind.Transient },
        { new IOException("reset"), ErrorCodes.ProviderUnavailable, ErrorKind.Transient },
        { new SocketException((int)SocketError.ConnectionReset), ErrorCodes.ProviderUnavailable, ErrorKind.Transient },
        { new AggregateException(new IOException("a"), new HttpRequestException("b")), ErrorCodes.ProviderUnavailable, ErrorKind.Transient },
        { new TimeoutException(), ErrorCodes.Timeout, ErrorKind.Transient },
        { new TaskCanceledException(), ErrorCodes.Timeout, ErrorKind.Transient },
        { new JsonException("bad"), ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient },
        { new AuthenticationFailedException("no token"), ErrorCodes.Authentication, ErrorKind.Terminal },
        { new CredentialUnavailableException("none"), ErrorCodes.Authentication, ErrorKind.Terminal },
        { new ModelException(new CallError("model_not_found", "m", ErrorKind.Terminal)), ErrorCodes.ModelNotFound, ErrorKind.Terminal },
        { new PayloadNotFoundException("abc"), ErrorCodes.ActivityFailed, ErrorKind.Terminal },
        { new InvalidOperationException("bug"), ErrorCodes.ActivityFailed, ErrorKind.Transient },
    };

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void Classify_Exception_GivesCodeAndKind(Exception exception, string code, ErrorKind kind)
    {
        var error = ErrorClassifier.Classify(exception);

        Assert.Equal((code, kind), (error.Code, error.Kind));
    }

    [Fact]
    public void Classify_IdentityOfManyWays_IsASentenceWithTheNextStep()
    {
        const string nothing = """
            DefaultAzureCredential failed to retrieve a token from the included credentials. See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/defaultazurecredential/troubleshoot
            - EnvironmentCredential authentication unavailable. Environment variables are not fully configured. See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/environmentcredential/troubleshoot
            - WorkloadIdentityCredential authentication unavailable. The workload options are not fully configured. See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/workloadidentitycredential/troubleshoot
            - ManagedIdentityCredential authentication unavailable. No response received from the managed identity endpoint.
            - VisualStudioCredential authentication failed: Visual Studio Token provider can't be accessed at /home/ann/.IdentityService/AzureServiceAuth/tokenprovider.json
            - VisualStudioCodeCredential requires the Azure.Identity.Broker package to be referenced from the project. VS Code Azure See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/vscodecredential/troubleshoot
            - AzureCliCredential authentication failed: Azure CLI not installed
            """;
        Assert.StartsWith("There is no identity to sign in with: none of the 6 ways that were tried is set up here. Sign in with \"az login\", ", Message(new CredentialUnavailableException(nothing)), StringComparison.Ordinal);

        Assert.StartsWith(
            "The identity got no token: AzureCliCredential authentication failed: AADSTS700082: The refresh token has expired due to inactivity. Sign in with \"az login\", ",
            Message(new AuthenticationFailedException($"{nothing}\n- AzureCliCredential authentication failed: AADSTS700082: The refresh token has expired due to inactivity. See the troubleshooting guide for more information. https://aka.ms/x\n- AzureDeveloperCliCredential authentication failed: x")),
            StringComparison.Ordinal);

        Assert.StartsWith(
            "The identity got no token: ManagedIdentityCredential authentication failed: Service request failed. Status: 400 (Bad Request) Content: {\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}. Sign in",
            Message(new AuthenticationFailedException("ManagedIdentityCredential authentication failed: Service request failed.\nStatus: 400 (Bad Request)\n\nContent:\n{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}\n\nHeaders:\nServer: IMDS/150\n")),
            StringComparison.Ordinal);

        Assert.InRange(Message(new AuthenticationFailedException(new string('x', 10_000))).Length, 300, 700);

        static string Message(Exception exception)
        {
            var error = ErrorClassifier.Classify(exception);
            Assert.Equal((ErrorCodes.Authentication, ErrorKind.Terminal), (error.Code, error.Kind));
            return error.Message;
        }
    }

    [Fact]
    public void LongestRetryAfter_IsAnHour() => Assert.Equal("01:00:00", HttpErrors.LongestRetryAfter.ToString("c", CultureInfo.InvariantCulture));
}
