namespace Polyphony.Core.Definitions;

/// <summary>How requests to a model's server are worded where that differs from what its address suggests: <c>dialect</c> of a model. Members that are <see langword="null"/> are not set.</summary>
public sealed record ModelDialect
{
    /// <summary>The schema is sent with the request (<c>response_format</c> of type <c>json_schema</c>).</summary>
    public const string JsonSchema = "json_schema";

    /// <summary>JSON is asked for, but not its shape (<c>response_format</c> of type <c>json_object</c>).</summary>
    public const string JsonObject = "json_object";

    /// <summary>The schema is given to the model only in the instructions.</summary>
    public const string Words = "words";

    /// <summary>The name of the token limit on most servers.</summary>
    public const string MaxTokens = "max_tokens";

    /// <summary>The name of the token limit at OpenAI today.</summary>
    public const string MaxCompletionTokens = "max_completion_tokens";

    /// <summary>Consecutive messages of one role are joined, and the user's message comes first.</summary>
    public const string Alternate = "alternate";

    /// <summary>Messages are sent one by one, each under its author's name.</summary>
    public const string Free = "free";

    /// <summary>Gets the names of the dialects that are known.</summary>
    public static IReadOnlyList<string> KnownNames { get; } =
    [
        "openai", "azure-openai", "gemini", "deepseek", "mistral", "vllm", "llama.cpp", "ollama", "lm-studio", "litellm", "openrouter", "api-management", "other",
    ];

    /// <summary>Gets the ways to ask for structured output.</summary>
    public static IReadOnlyList<string> StructuredOutputs { get; } = [JsonSchema, JsonObject, Words];

    /// <summary>Gets the names of the token limit.</summary>
    public static IReadOnlyList<string> TokenLimits { get; } = [MaxTokens, MaxCompletionTokens];

    /// <summary>Gets the ways to order roles.</summary>
    public static IReadOnlyList<string> RoleOrders { get; } = [Alternate, Free];

    /// <summary>Gets the dialect to start from, one of <see cref="KnownNames"/>; by default the one that the endpoint suggests.</summary>
    public string? Name { get; init; }

    /// <summary>Gets how structured output is asked for, one of <see cref="StructuredOutputs"/>.</summary>
    public string? StructuredOutput { get; init; }

    /// <summary>Gets whether schemas that qualify are marked as strict.</summary>
    public bool? StrictSchemas { get; init; }

    /// <summary>Gets the name of the token limit, one of <see cref="TokenLimits"/>.</summary>
    public string? TokenLimit { get; init; }

    /// <summary>Gets how roles are ordered, one of <see cref="RoleOrders"/>.</summary>
    public string? Roles { get; init; }

    /// <summary>Gets whether the server accepts messages with the role <c>system</c>; otherwise the instructions are put before the first message of the user.</summary>
    public bool? SystemRole { get; init; }

    /// <summary>Gets whether messages may carry the <c>name</c> of their author.</summary>
    public bool? Names { get; init; }

    /// <summary>Gets whether the model takes images, documents and sounds beside text; otherwise a prompt with attachments is refused before it is sent.</summary>
    public bool? Attachments { get; init; }

    /// <summary>Gets a value indicating whether only <see cref="Name"/> is set.</summary>
    public bool IsNameAlone => this == new ModelDialect { Name = Name };
}
