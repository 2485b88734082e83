using System.ClientModel.Primitives;
using OpenAI;
using Polyphony.Activities.Providers.OpenAI.Answers;
using Polyphony.Activities.Providers.OpenAI.Dialects;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>What both OpenAI providers set in the SDKs.</summary>
internal static class OpenAIClientSettings
{
    // An address that was checked must be the one that gets the prompt and the key: an answer that sends the client elsewhere is an error.
    private static readonly HttpClientPipelineTransport WithoutRedirects = new(
        new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout.InfiniteTimeSpan });

    public static OpenAIClientOptions Options(Uri endpoint, DialectPolicy dialect, PipelineTransport? transport = null) =>
        Apply(new OpenAIClientOptions { Endpoint = endpoint }, dialect, transport);

    /// <summary>Sets what holds for every client, OpenAI's and Azure's.</summary>
    public static T Apply<T>(T options, DialectPolicy dialect, PipelineTransport? transport = null)
        where T : ClientPipelineOptions
    {
        // Retry belongs to the workflow, on durable timers: one that happened in here would hold a worker and would not be seen.
        options.RetryPolicy = new ClientRetryPolicy(0);

        // The agent's own limit holds.
        options.NetworkTimeout = Timeout.InfiniteTimeSpan;
        options.ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false };
        options.Transport = transport ?? WithoutRedirects;
        options.AddPolicy(dialect, PipelinePosition.BeforeTransport);
        options.AddPolicy(new ProviderErrorPolicy(), PipelinePosition.BeforeTransport);
        options.AddPolicy(new AnswerPolicy(), PipelinePosition.BeforeTransport);
        return options;
    }

    public static string Model(ModelDefinition definition) => definition.Model ?? throw new ModelException(new CallError(
        ErrorCodes.ModelNotFound,
        $"Model \"{definition.Name}\" of the provider \"{definition.Provider}\" names no model or deployment (\"model\").",
        ErrorKind.Terminal));

    public static Uri? Endpoint(Func<string, string?> environment, string variable)
    {
        if (environment(variable) is not { Length: > 0 } text)
        {
            return null;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            ? endpoint
            : throw new ModelException(new CallError(
                ErrorCodes.ModelNotFound, $"The environment variable {variable} must hold an absolute http or https address.", ErrorKind.Terminal));
    }
}
