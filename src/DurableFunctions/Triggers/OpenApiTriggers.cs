using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP function that describes the API.</summary>
public sealed class OpenApiTriggers
{
    /// <summary>Gives the OpenAPI document.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-openapi")]
    public IResult Document(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "openapi/v1.json")] HttpRequest request) => TypedResults.Stream(
            typeof(OpenApiTriggers).Assembly.GetManifestResourceStream("openapi.json")!, "application/json");
}
