using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Requests;

/// <summary>Runs a handler and turns its exceptions into problem details, on every host.</summary>
internal static class Guard
{
    private const string FullRetryAfter = "10";

    /// <summary>Runs the handler of a route that takes no query parameters, and refuses those that it is given.</summary>
    public static Task<IResult> RunPlain(HttpContext context, Func<Task<IResult>> handler) => Run(context, () =>
    {
        QueryReader.RefuseAll(context.Request);
        return handler();
    });

    public static async Task<IResult> Run(HttpContext context, Func<Task<IResult>> handler)
    {
        try
        {
            return await handler();
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone: nobody reads what is answered.
            return TypedResults.StatusCode(StatusCodes.Status499ClientClosedRequest);
        }
        catch (Exception e)
        {
            return new ProblemResult(Refuse(context, e, context.RequestServices?.GetService<ILoggerFactory>()?.CreateLogger("Polyphony.Http") ?? NullLogger.Instance));
        }
    }

    /// <summary>Finds out what a request that failed is answered with, and logs what its caller can't mend: what is known in one line, a surprise with its trace.</summary>
    /// <param name="context">The request.</param>
    /// <param name="exception">What went wrong.</param>
    /// <param name="log">The log.</param>
    /// <returns>The problem.</returns>
    public static ProblemDocument Refuse(HttpContext context, Exception exception, ILogger log)
    {
        var request = context.Request;
        if (exception is BadHttpRequestException bad)
        {
            if (bad.StatusCode == StatusCodes.Status408RequestTimeout && HttpProtocol.IsHttp11(request.Protocol) && !context.Response.HasStarted)
            {
                // The rest of the body may still come, so this connection can carry no other request.
                context.Response.Headers.Connection = "close";
            }

            return FromServer(bad, request.Path);
        }

        var problem = ProblemTable.Describe(exception, request.Path);
        if (problem.Code == ProblemCodes.QueueFull && !context.Response.HasStarted)
        {
            context.Response.Headers.RetryAfter = FullRetryAfter;
        }

        if (problem.Code == ProblemCodes.InternalError)
        {
            log.RequestFailed(exception, request.Method, request.Path, (exception as PolyphonyException)?.Code ?? problem.Code);
        }
        else if (problem.Status >= StatusCodes.Status500InternalServerError)
        {
            log.RequestRefused(request.Method, request.Path, problem.Code, problem.Detail);
        }

        return problem;
    }

    // What the web server found out while it read the request: too large, too slow, malformed.
    private static ProblemDocument FromServer(BadHttpRequestException exception, string path) => exception.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => ProblemTable.Create(ProblemCodes.BodyTooLarge, exception.Message, path),
        StatusCodes.Status408RequestTimeout => ProblemTable.Create(
            ProblemCodes.RequestTimeout, "The body arrived too slowly or was incomplete. Nothing was done; send the request again with its whole body.", path),
        _ => ProblemTable.Create(ProblemCodes.InvalidRequest, exception.Message, path),
    };
}
