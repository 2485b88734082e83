using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Http;

/// <summary>A tool that makes an HTTP request. What goes wrong is told in words that a model can act on.</summary>
/// <param name="tool">The tool.</param>
/// <param name="client">Makes the requests.</param>
/// <param name="policy">Which addresses may be called.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="variable">Reads an environment variable.</param>
internal sealed class HttpTool(HttpToolDefinition tool, ToolHttpClient client, EndpointPolicy policy, TimeProvider timeProvider, Func<string, string?> variable) : AIFunction
{
    private const int MostOfBody = 1_000;

    /// <inheritdoc/>
    public override string Name => tool.Name;

    /// <inheritdoc/>
    public override string Description => tool.Description ?? "";

    /// <inheritdoc/>
    public override JsonElement JsonSchema => (tool.Parameters ?? ToolDefinition.NoParameters).Json;

    /// <inheritdoc/>
    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        var request = new HttpToolMessage(tool, arguments);
        if (policy.RefuseTool(tool, request.Address) is var (message, hint))
        {
            throw new ModelException(new CallError(ErrorCodes.EndpointNotAllowed, $"{message}. {hint}", ErrorKind.Terminal));
        }

        using var sent = request.Make(Key(), ToolCallContext.Of(arguments)?.EffectKey);
        try
        {
            using var response = await client.SendAsync(sent, policy.MayReachPrivateNetwork(tool, request.Address), cancellationToken);
            var body = await HttpToolAnswer.ReadAsync(response, tool.Http.MaxBytes, cancellationToken);
            return response.IsSuccessStatusCode ? body.ToJson(tool.Name) : throw Refused(response, body);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            throw Broken(exception);
        }
    }

    private string? Key() =>
        tool.Http.ApiKeyVariable is not { } name ? null
        : variable(name) is { Length: > 0 } key ? HttpToolMessage.IsHeaderValue(key) ? key : throw NoKey($"The variable {name} holds what no header can carry.")
        : throw NoKey($"The tool \"{tool.Name}\" needs a key in the environment variable {name} of the host, which is not set.");

    private static ModelException NoKey(string message) => new(new CallError(ErrorCodes.Authentication, message, ErrorKind.Terminal));

    private PolyphonyException Refused(HttpResponseMessage response, HttpToolAnswer body)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400)
        {
            var target = response.Headers.Location is { IsAbsoluteUri: true } location ? $" to {location.GetLeftPart(UriPartial.Authority)}" : "";
            return Unsure($"was redirected{target} (HTTP {status}), and redirects are not followed", ErrorKind.Terminal, isLost: false);
        }

        var text = body.Text is { Length: > 0 } said ? $": {ErrorText.Shorten(said, MostOfBody)}" : "";
        var reason = $"was refused with HTTP {status}{text}";
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
        {
            // Nothing was done.
            var wait = response.Headers.RetryAfter is { } after ? after.Delta ?? after.Date - timeProvider.GetUtcNow() : null;
            return wait is { } time && time > TimeSpan.Zero ? Failed(reason, ErrorKind.RateLimited, (long)Math.Min(time.TotalMilliseconds, int.MaxValue)) : Failed(reason, ErrorKind.Transient);
        }

        return status >= 500 || response.StatusCode == HttpStatusCode.RequestTimeout ? Unsure(reason, ErrorKind.Transient, isLost: true) : Failed(reason, ErrorKind.Terminal);
    }

    private PolyphonyException Broken(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is AddressNotAllowedException refused)
            {
                return new ModelException(new CallError(ErrorCodes.EndpointNotAllowed, $"The tool \"{tool.Name}\" was not called: {refused.Message}.", ErrorKind.Terminal));
            }
        }

        var cause = exception.GetBaseException().Message.TrimEnd('.');
        return exception is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError }
            ? Failed($"could not reach its server: {cause}", ErrorKind.Transient)
            : Unsure($"lost its connection before the answer was whole: {cause}. The request may have been carried out", ErrorKind.Transient, isLost: true);
    }

    /// <summary>Makes the exception of a request that may have been carried out.</summary>
    private EffectUnknownException Unsure(string what, ErrorKind kind, bool isLost) => new(Error(what, kind), isLost);

    private ModelException Failed(string what, ErrorKind kind, long? retryAfterMs = null) => new(Error(what, kind, retryAfterMs));

    private CallError Error(string what, ErrorKind kind, long? retryAfterMs = null) => new(ErrorCodes.ToolFailed, $"The tool \"{tool.Name}\" {what}.", kind, retryAfterMs);
}
