using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Hosting;

/// <summary>The OpenAPI document: what routes say of themselves, and the parameters that handlers read on their own.</summary>
internal static class PolyphonyOpenApi
{
    // Its own name: an app may have documents as well, of which "v1" is the usual one.
    private const string Document = "polyphony";
    private const string Version = "v1";

    /// <summary>Writes the document.</summary>
    /// <param name="context">The request.</param>
    /// <returns>A task that completes when it is written.</returns>
    public static async Task WriteAsync(HttpContext context)
    {
        var document = await context.RequestServices.GetRequiredKeyedService<IOpenApiDocumentProvider>(Document).GetOpenApiDocumentAsync(context.RequestAborted);
        var text = await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, context.RequestAborted);
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(text, context.RequestAborted);
    }

    public static IServiceCollection AddPolyphonyOpenApi(this IServiceCollection services) => services.AddOpenApi(Document, options =>
    {
        options.ShouldInclude = description => description.ActionDescriptor.EndpointMetadata.OfType<RouteProblems>().Any();
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Polyphony";
            document.Info.Version = Version;
            document.Info.Description = "Durable multi-agent workflows: start, watch and manage instances. Statuses and fields follow Durable Functions' HTTP API; errors are problem details (RFC 9457) with a stable code; each response lists its codes. A path that is not listed here (/mcp aside) is answered 404 not_found, another method of one that is 405 method_not_allowed.";

            // The document is one for every host.
            document.Servers = [];
            foreach (var schema in document.Components?.Schemas?.Values ?? [])
            {
                OpenApiContract.Apply(schema);
            }

            return Task.CompletedTask;
        });
        options.AddSchemaTransformer(async (schema, context, cancellationToken) =>
        {
            // What the status of an instance holds for the host alone is taken out, or replaced, before callers see it.
            if (context.JsonTypeInfo.Type == typeof(NodeProgress))
            {
                schema.Properties?.Remove("parts");
            }
            else if (context.JsonTypeInfo.Type == typeof(PendingWait))
            {
                schema.Properties?.Remove("question");
                schema.Properties?.Remove("details");
            }

            // A type that writes itself tells the generator nothing of its members.
            if (context.JsonTypeInfo.Type == typeof(Payload))
            {
                schema.Type = JsonSchemaType.Object;
                schema.Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["json"] = new OpenApiSchema { Description = "The value in place: any JSON." },
                    ["ref"] = await context.GetOrCreateSchemaAsync(typeof(PayloadReference), cancellationToken: cancellationToken),
                    ["pointer"] = new OpenApiSchema
                    {
                        Type = JsonSchemaType.String,
                        Description = "Which part of the stored value is meant: a JSON pointer (RFC 6901). Left out for all of it.",
                    },
                };
            }
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            operation.OperationId = context.Description.ActionDescriptor.EndpointMetadata.OfType<OperationName>().Single().Name;
            foreach (var parameter in context.Description.ActionDescriptor.EndpointMetadata.OfType<DescribedParameter>())
            {
                operation.Parameters ??= [];
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = parameter.Name,
                    In = parameter.Header ? ParameterLocation.Header : ParameterLocation.Query,
                    Description = parameter.Description,
                    Schema = new OpenApiSchema { Type = parameter.Type },
                });
            }

            var problems = context.Description.ActionDescriptor.EndpointMetadata.OfType<RouteProblems>().Single().Problems.ToLookup(problem => problem.Status, problem => problem.Code);
            foreach (var codes in problems)
            {
                // They are declared with their type; the media type is missing, and the codes.
                var response = operation.Responses![codes.Key.ToString(CultureInfo.InvariantCulture)];
                response.Description = $"Codes: {string.Join(", ", codes.Order(StringComparer.Ordinal))}.";
                if (response.Content?.Remove("application/json", out var content) == true)
                {
                    response.Content[ProblemResult.ContentType] = content;
                }
            }

            foreach (var form in context.Description.ActionDescriptor.EndpointMetadata.OfType<TextForm>())
            {
                operation.Responses!["200"].Content!.Add(form.ContentType, new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
            }

            return Task.CompletedTask;
        });
    });
}

/// <summary>A query parameter or header that a handler reads on its own.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Description">What it does.</param>
/// <param name="Header">Whether it is a header.</param>
internal sealed record DescribedParameter(string Name, JsonSchemaType Type, string Description, bool Header = false);

/// <summary>A text that a route answers with, beside its JSON, if it is asked to.</summary>
/// <param name="ContentType">The media type.</param>
internal sealed record TextForm(string ContentType);

/// <summary>The name of a route in the OpenAPI document.</summary>
/// <param name="Name">The name.</param>
internal sealed record OperationName(string Name);
