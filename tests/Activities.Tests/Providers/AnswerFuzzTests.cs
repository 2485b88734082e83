using System.Text;
using System.Text.Json;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.OpenAI.Answers;
using Polyphony.TestKit.Fuzzing;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Whatever a server sends becomes a completion or an error that says what it is, never anything else.</summary>
[Trait("Row", "T6")]
public sealed class AnswerFuzzTests
{
    private static readonly string[] Pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "-1", "1e400", "\"7\"", "\\ud83d", "\uFEFF", "\0", "data: ", "\n\n", "[DONE]", "<html>", "```json", "<think>", "\"choices\":[],", "\"choices\":null,",
        "\"usage\":{\"prompt_tokens\":null},", "\"error\":{\"message\":\"no\"},", "\"tool_calls\":[{\"function\":{\"arguments\":{}}}],", "\"finish_reason\":7,", "\"content\":[{\"type\":\"text\",\"text\":\"a\"}],",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\"message\":\"text\",",
    ];

    private static readonly string[] Bodies =
    [
        """{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hello 😀"}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}""",
        """{"id":"c","choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}}]}}],"usage":{"prompt_tokens":"10","completion_tokens_details":{"reasoning_tokens":3}}}""",
        """{"error":{"message":"The model is overloaded.","type":"server_error","code":503}}""",
        "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n",
        """{"response":{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"reasoning","text":"b"}],"reasoning_content":"c"}}]}}""",
        "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
    ];

    [Fact]
    public void Normalize_MutatedBody_GivesACompletionOrAModelError()
    {
        var (completions, errors) = (0, 0);
        var tried = Fuzz.Check(20261104, 4_000, random => Fuzz.Mutate(Bodies[random.Next(Bodies.Length)], Pieces, random), text =>
        {
            try
            {
                // Every other body is not UTF-8 where it is not ASCII.
                var body = (text.Length % 2 == 0 ? Encoding.UTF8 : Encoding.Latin1).GetBytes(text);
                var completion = JsonElement.Parse(AnswerNormalizer.Normalize(body, static _ => null));
                Assert.Equal(JsonValueKind.Array, completion.GetProperty("choices").ValueKind);
                completions++;
            }
            catch (Exception exception) when (exception is ModelException or ProviderException)
            {
                Assert.NotEmpty(exception.Message);
                errors++;
            }
        });
        Assert.True(completions > tried / 20 && errors > tried / 20, $"{completions} completions, {errors} errors");
    }
}
