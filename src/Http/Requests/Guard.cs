using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Core;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Requests;

/// <summary>Runs a handler and turns its exceptions into problem details, whatever host it runs in.</summary>
internal static class Guard
{
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
        catch (BadHttpRequestException e)
        {
            if (e.StatusCode == StatusCodes.Status408RequestTimeout && HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                // The rest of the body may still come, so this connection can carry no other request.
                context.Response.Headers.Connection = "close";
            }

            return new ProblemResult(FromServer(e, context.Request.Path));
        }
        catch (Exception e)
        {
            var problem = ProblemTable.Describe(e, context.Request.Path);
            if (problem.Status >= StatusCodes.Status500InternalServerError)
            {
                var log = context.RequestServices?.GetService<ILoggerFactory>()?.CreateLogger("Polyphony.Http") ?? NullLogger.Instance;
                log.RequestFailed(e, context.Request.Method, context.Request.Path, (e as PolyphonyException)?.Code ?? problem.Code);
            }

            return new ProblemResult(problem);
        }
    }

    // What the web server found out while it read the request: too large, too slow, malformed.
    private static ProblemDocument FromServer(BadHttpRequestException exception, string path) => exception.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => ProblemTable.Create(ProblemCodes.BodyTooLarge, exception.Message, path),
        StatusCodes.Status408RequestTimeout => ProblemTable.Create(
            ProblemCodes.RequestTimeout, "The body arrived too slowly, or stopped before its end. Nothing was done; send the request again, with all of its body.", path),
        _ => ProblemTable.Create(ProblemCodes.InvalidRequest, exception.Message, path),
    };
}
