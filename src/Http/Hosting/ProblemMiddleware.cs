using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Hosting;

/// <summary>Gives refusals of routing and the web server (404, 405, 415 …) the form of every other problem, and writes the access log.</summary>
internal sealed class ProblemMiddleware(RequestDelegate next, TimeProvider timeProvider, ILoggerFactory loggerFactory)
{
    private readonly ILogger _log = loggerFactory.CreateLogger("Polyphony.Http");

    public async Task InvokeAsync(HttpContext context)
    {
        var begun = timeProvider.GetTimestamp();
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response is { ContentLength: null, ContentType: null } response && Code(response.StatusCode) is { } code)
            {
                await new ProblemResult(ProblemTable.Create(code, Detail(context, code), context.Request.Path)).ExecuteAsync(context);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            await new ProblemResult(Guard.Refuse(context, e, _log)).ExecuteAsync(context);
        }
        catch (Exception e)
        {
            // Part of an answer is with the client already: it must not take it for a whole one.
            Guard.Refuse(context, e, _log);
            context.Abort();
        }
        finally
        {
            if (_log.IsEnabled(LogLevel.Information))
            {
                _log.RequestServed(
                    context.Request.Method, context.Request.Path, context.Response.StatusCode, timeProvider.GetElapsedTime(begun).TotalMilliseconds);
            }
        }
    }

    private static string? Code(int status) => status switch
    {
        StatusCodes.Status400BadRequest => ProblemCodes.InvalidRequest,
        StatusCodes.Status404NotFound => ProblemCodes.NotFound,
        StatusCodes.Status405MethodNotAllowed => ProblemCodes.MethodNotAllowed,
        StatusCodes.Status408RequestTimeout => ProblemCodes.RequestTimeout,
        StatusCodes.Status413PayloadTooLarge => ProblemCodes.BodyTooLarge,
        StatusCodes.Status415UnsupportedMediaType => ProblemCodes.UnsupportedMediaType,
        _ => null,
    };

    private static string Detail(HttpContext context, string code) => code switch
    {
        ProblemCodes.NotFound => $"Nothing is served at {context.Request.Path}; /openapi/v1.json lists the paths.",
        ProblemCodes.MethodNotAllowed => $"{context.Request.Path} does not take {context.Request.Method}; it takes {context.Response.Headers.Allow}.",
        _ => string.Create(CultureInfo.InvariantCulture, $"The request was refused with status {context.Response.StatusCode}."),
    };
}
