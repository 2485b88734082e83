using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Errors;

namespace Polyphony.Activities.Providers.OpenAI.Dialects;

/// <summary>
/// Words each request for its server. What the server refuses about the wording is worded otherwise and sent again at once, within the same attempt, because a refusal costs nothing; what it then takes is
/// remembered as long as the client lives, which is one for each endpoint, model and key. Thread-safe.
/// </summary>
/// <param name="begin">The dialect to begin with.</param>
/// <param name="endpoint">The server, for the log.</param>
/// <param name="model">The model, for the log.</param>
/// <param name="log">Says what was worded otherwise.</param>
internal sealed class DialectPolicy(ServerDialect begin, Uri endpoint, string model, ILogger log) : PipelinePolicy
{
    // Each step of each member once.
    private const int MostChanges = 7;

    private const int MostSchemas = 1000;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, ServerDialect> _schemas = new(StringComparer.Ordinal);
    private ServerDialect _dialect = begin;

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
        throw new NotSupportedException("Models are called asynchronously only.");

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        if (RequestBody.Read(message.Request) is not { } request)
        {
            await ProcessNextAsync(message, pipeline, currentIndex);
            return;
        }

        var first = Current(request);
        var dialect = first;
        var isOfSchema = false;
        HashSet<ServerDialect> tried = [];
        while (true)
        {
            tried.Add(dialect);
            message.Request.Content = request.Write(dialect);
            try
            {
                await ProcessNextAsync(message, pipeline, currentIndex);
                Remember(request, first, dialect, isOfSchema);
                return;
            }
            catch (ProviderException exception) when (
                tried.Count <= MostChanges && Refusals.Next(dialect, request, exception.Failure) is { } next && !tried.Contains(next.Dialect))
            {
                message.ExtractResponse()?.Dispose();
                log.RequestReworded(endpoint.Authority, model, exception.Failure.Status, next.Dialect.Beside(dialect));
                isOfSchema |= next.IsOfSchema;
                dialect = next.Dialect;
            }
        }
    }

    private ServerDialect Current(RequestBody request)
    {
        lock (_gate)
        {
            return request.SchemaText is { } schema && _schemas.TryGetValue(schema, out var special)
                ? _dialect with { StructuredOutput = special.StructuredOutput, StrictSchemas = special.StrictSchemas }
                : _dialect;
        }
    }

    private void Remember(RequestBody request, ServerDialect first, ServerDialect taken, bool isOfSchema)
    {
        if (first == taken)
        {
            return;
        }

        lock (_gate)
        {
            // Others may have learned something else meanwhile.
            _dialect = _dialect with
            {
                TokenLimit = taken.TokenLimit != first.TokenLimit ? taken.TokenLimit : _dialect.TokenLimit,
                Roles = taken.Roles != first.Roles ? taken.Roles : _dialect.Roles,
                SystemRole = taken.SystemRole && _dialect.SystemRole,
                Names = taken.Names && _dialect.Names,
                StructuredOutput = !isOfSchema && taken.StructuredOutput != first.StructuredOutput ? taken.StructuredOutput : _dialect.StructuredOutput,
            };
            log.DialectRemembered(
                endpoint.Authority, model, isOfSchema ? "those with the same schema" : "all", taken.Beside(first), isOfSchema ? "remove from the schema what the server does not accept" : "say it in \"dialect\" of the model");
            if (isOfSchema && _schemas.Count < MostSchemas)
            {
                _schemas[request.SchemaText!] = taken;
            }
        }
    }
}
