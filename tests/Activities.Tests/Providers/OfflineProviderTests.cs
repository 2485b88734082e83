using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Core.Definitions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tests.Providers;

public sealed class OfflineProviderTests
{
    private static readonly string[] Documents =
    [
        """
        # Durable timers

        A durable timer survives a restart of the host. The engine writes the due time into the history before it waits.
        When the process dies, the next process reads the history and sets the timer again. No worker thread is held while a timer runs.

        - Timers are ordered by due time.
        - A cancelled timer leaves a record in the history.

        ```csharp
        var hidden = "code is not prose and must not appear";
        ```
        """,
        """
        # Payload store

        Large values go to the payload store by content hash. The history keeps a reference with size and type.
        A reader of the reference loads the value again. Purging an instance removes the values that nothing else refers to.
        Conditions and templates read through references without loading other values.
        """,
        """
        # Ledger

        Every model call is recorded once under its step id. A redelivered call finds the answer in the ledger and pays nothing.
        A crash between the answer and the record is counted as unsettled. Tokens, cost and the request id of the provider are kept with each answer.
        """,
    ];

    [Fact]
    [Trait("Exempt", "the offline model")]
    public async Task GetResponse_Text_IsMadeOfSentencesOfTheInputAndLabelled()
    {
        var response = await AskAsync(Prompt($"Summarise the document in three sentences.\n\n{Documents[0]}"));

        Assert.Equal(("offline-extractive", "stop"), (response.ModelId, response.FinishReason!.Value.Value));
        var lines = Lines(response.Text);
        Assert.Equal(3, Sentence.Split(response.Text).Count);
        Assert.All(lines, line => Assert.Contains(line, Documents[0], StringComparison.Ordinal));
        Assert.DoesNotContain("code is not prose", response.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Summarise", response.Text, StringComparison.Ordinal);
        Assert.True(response.Usage!.InputTokenCount > response.Usage.OutputTokenCount);
    }

    [Fact]
    [Trait("Exempt", "the offline model")]
    public async Task GetResponse_BlocksOfCode_AreNoMaterial()
    {
        string[] lines =
        [
            "Summarise the document.", "", "The archive keeps every letter that the society received.", "", "FENCEjson",
            "{ \"letter\": \"archive society letters\",", "  \"detail\": \"archive letters of the society, every one\" }", "A name that ends in a colon:", "{\"archive\": \"letters of the archive society\"}",
            "FENCE", "", "Letters are sorted by year before the society reads them.",
        ];
        var response = await AskAsync(Prompt(string.Join('\n', lines).Replace("FENCE", "```", StringComparison.Ordinal)));
        Assert.Equal(
            "The archive keeps every letter that the society received. Letters are sorted by year before the society reads them.",
            response.Text.ReplaceLineEndings(" ").Trim());
    }

    [Fact]
    [Trait("Exempt", "the offline model")]
    public async Task GetResponse_SeveralSources_KeepsTheirNames()
    {
        var response = await AskAsync([.. Context(), .. Prompt("Write a report on what was read.")]);

        Assert.Equal(["## Durable timers", "## Payload store", "## Ledger"], Lines(response.Text).Where(line => line.StartsWith("## ", StringComparison.Ordinal)));
        var all = string.Join('\n', Documents);
        Assert.All(Lines(response.Text), line => Assert.Contains(line.Replace("## ", "# ", StringComparison.Ordinal), all, StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task GetResponse_SameInput_GivesTheSameAnswer()
    {
        var messages = (ChatMessage[])[.. Context(), .. Prompt("Write a report.")];

        Assert.Equal((await AskAsync(messages)).Text, (await AskAsync(messages)).Text);
    }

    [Theory]
    [Trait("Exempt", "the offline model")]
    [InlineData("Summarise in at most 12 words.", 12)]
    [InlineData("Summarise in 7 short words.", 7)]
    public async Task GetResponse_WordLimit_IsKept(string request, int words) =>
        Assert.InRange((await AskAsync(Prompt($"{request}\n\n{Documents[1]}"))).Text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Length, 1, words);

    [Theory]
    [Trait("Exempt", "the offline model")]
    [InlineData("")]
    [InlineData("Hello there")]
    [InlineData("Why do timers survive a restart of the host?")]
    public async Task GetResponse_LittleInput_IsGivenBack(string prompt) => Assert.Equal(prompt, (await AskAsync(Prompt(prompt))).Text);

    [Fact]
    [Trait("Row", "O7")]
    public async Task GetResponse_WriterAndCritic_RaiseTheScoreUntilItIsEnough()
    {
        var schema = JsonElement.Parse("""
            {"type":"object","required":["score","missing","approved"],"properties":{
              "score":{"type":"integer","minimum":0,"maximum":10},"missing":{"type":"array","items":{"type":"string"}},"approved":{"type":"boolean"}}}
            """);
        var draft = (await AskAsync([.. Context(), .. Prompt("Write a report in one sentence.")])).Text;
        List<int> scores = [];
        for (var round = 0; round < 5; round++)
        {
            var review = JsonElement.Parse((await AskAsync([.. Context(), .. Prompt($"Score the draft.\n\nDraft:\n{draft}")], schema)).Text);
            scores.Add(review.GetProperty("score").GetInt32());
            Assert.Equal(scores[^1] >= 8, review.GetProperty("approved").GetBoolean());
            if (scores[^1] >= 9)
            {
                break;
            }

            var next = (await AskAsync([.. Context(), .. Prompt($"Write a report in one sentence.\n\nDraft:\n{draft}\n\nMissing: {review.GetProperty("missing").GetRawText()}")])).Text;
            Assert.All(review.GetProperty("missing").EnumerateArray(), text => Assert.Contains(text.GetString()!, next, StringComparison.Ordinal));
            draft = next;
        }

        Assert.True(scores[0] < 5, $"The first draft is one sentence; it scored {scores[0]}.");
        Assert.Equal(scores.Order(), scores);
        Assert.InRange(scores[^1], 9, 10);
    }

    [Fact]
    [Trait("Row", "O7")]
    public async Task GetResponse_PartsNamedInThePrompt_AreTakenForWhatTheyAre()
    {
        ChatMessage[] draft = [new(ChatRole.User, "draft (writer):\nA durable timer survives a restart of the host.") { AuthorName = "writer" }];
        var schema = JsonElement.Parse("""{"type":"object","required":["complete","missing"],"properties":{"complete":{"type":"boolean"},"missing":{"type":"string"}}}""");

        var review = JsonElement.Parse((await AskAsync([.. draft, .. Prompt($"Is the report complete? The notes it rests on:\n{Documents[1]}")], schema)).Text);

        Assert.False(review.GetProperty("complete").GetBoolean());
        Assert.Contains("The history keeps a reference with size and type.", review.GetProperty("missing").GetString(), StringComparison.Ordinal);

        var next = await AskAsync(Prompt("Write one sentence.\nLast time the critic missed: Large values go to the payload store by content hash.\n\nSources:\nOther words are here as well."));

        Assert.Contains("Large values go to the payload store by content hash.", next.Text, StringComparison.Ordinal);

        var complete = JsonElement.Parse((await AskAsync([.. draft, .. Prompt("Is the report complete? The notes it rests on:\nA durable timer survives a restart.")], schema)).Text);
        Assert.Equal("""{"complete":true,"missing":""}""", complete.GetRawText());
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Coverage_OfADraft_IsTheShareOfKeyTerms()
    {
        var sources = Sentence.Split("Alpha beta gamma. Alpha beta delta.");

        // The key terms are alpha, beta, delta and gamma.
        Assert.Equal(0.5, Extractor.Coverage(sources, "The alpha of the gamma"));
        Assert.Equal(0, Extractor.Coverage(sources, "Nothing of it"));
        Assert.Equal(1, Extractor.Coverage(sources, "delta gamma beta alpha"));
    }

    [Fact]
    [Trait("Row", "O13")]
    public async Task GetResponse_Schema_IsFilledByTheNamesOfItsMembers()
    {
        var answer = JsonElement.Parse((await AskAsync(
            Prompt($"Read the document.\n\n{Documents[0]}"),
            JsonElement.Parse("""
                {"type":"object","required":["title","summary","keywords","kind","mentions_history","mentions_bananas","points"],"properties":{
                  "title":{"type":"string"},"summary":{"type":"string"},"keywords":{"type":"array","items":{"type":"string"},"maxItems":3},
                  "kind":{"enum":["ledger","timer","queue"]},"mentions_history":{"type":"boolean"},"mentions_bananas":{"type":"boolean"},
                  "points":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}}
                """))).Text);

        Assert.Equal("Durable timers", answer.GetProperty("title").GetString());
        Assert.Equal("timer", answer.GetProperty("kind").GetString());
        Assert.Equal(3, answer.GetProperty("keywords").GetArrayLength());
        // In four sentences; "history" is in three.
        Assert.Equal("timer", answer.GetProperty("keywords")[0].GetString());
        Assert.Equal(2, answer.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("text").GetString()).Distinct(StringComparer.Ordinal).Count());
        Assert.False(answer.GetProperty("mentions_bananas").GetBoolean());
    }

    [Fact]
    [Trait("Row", "O13")]
    public async Task GetResponse_RandomSchemas_GiveValidAndRepeatableAnswers()
    {
        for (var seed = 0; seed < 1_500; seed++)
        {
            var text = RandomSchema(new Random(seed), 0);
            Assert.True(JsonSchema.TryParse(JsonElement.Parse(text), out var schema, out var problems), $"{text}: {string.Join(", ", problems)}");
            var messages = seed % 3 == 0 ? Prompt("Go.") : seed % 3 == 1 ? Prompt($"Read.\n\n{Documents[seed % 2]}") : (ChatMessage[])[.. Context(), .. Prompt("Score the draft.\n\nDraft:\nTimers survive.")];

            var answer = (await AskAsync(messages, schema.Json)).Text;

            var violations = schema.Validate(JsonElement.Parse(answer));
            Assert.True(violations.Count == 0, $"seed {seed}: {text} was answered with {answer}: {string.Join(", ", violations)}");
            Assert.Equal(answer, (await AskAsync(messages, schema.Json)).Text);
        }
    }

    [Fact]
    [Trait("Row", "O13")]
    public async Task GetResponse_SchemaThatRefersToItself_ComesToAnEnd()
    {
        const string Tree = """{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","required":["text","children"],"properties":{"text":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}}}}}}""";
        Assert.True(JsonSchema.TryParse(JsonElement.Parse(Tree), out var schema, out _));

        var answer = (await AskAsync([.. Context(), .. Prompt("Outline.")], schema.Json)).Text;

        Assert.Empty(schema.Validate(JsonElement.Parse(answer)));
        Assert.InRange(answer.Length, 100, 50_000);
    }

    private static string RandomSchema(Random random, int depth)
    {
        string[] names = ["score", "summary", "title", "missing", "keywords", "points", "approved", "count", "confidence", "kind"];
        switch (random.Next(depth > 2 ? 6 : 9))
        {
            case 0:
                var least = random.Next(0, 30);
                return random.Next(2) == 0 ? """{"type":"string"}""" : $$"""{"type":"string","minLength":{{least}},"maxLength":{{least + random.Next(0, 40)}}}""";
            case 1:
                var low = random.Next(-10, 10);
                return random.Next(3) switch
                {
                    0 => """{"type":"integer"}""",
                    1 => $$"""{"type":"integer","minimum":{{low}},"maximum":{{low + random.Next(0, 12)}}}""",
                    _ => $$"""{"type":"integer","exclusiveMinimum":{{low}},"exclusiveMaximum":{{low + 2 + random.Next(0, 12)}}}""",
                };
            case 2:
                var from = random.Next(-10, 10);
                return random.Next(3) switch
                {
                    0 => """{"type":"number"}""",
                    1 => $$"""{"type":"number","minimum":{{from}},"maximum":{{from + random.Next(0, 12)}}}""",
                    _ => $$"""{"type":"number","exclusiveMinimum":{{from}},"exclusiveMaximum":{{from + 1}}}""",
                };
            case 3:
                return """{"type":"boolean"}""";
            case 4:
                return """{"enum":["timer","ledger",3,null]}""";
            case 5:
                return random.Next(2) == 0 ? """{"type":["string","null"]}""" : """{"const":{"a":[1]}}""";
            case 6:
                var items = random.Next(0, 4);
                return $$"""{"type":"array","items":{{RandomSchema(random, depth + 1)}},"minItems":{{items}},"maxItems":{{items + random.Next(0, 3)}}}""";
            case 7:
                return $$"""{"anyOf":[{{RandomSchema(random, depth + 1)}},{"type":"null"}]}""";
            default:
                var members = names.OrderBy(_ => random.Next()).Take(random.Next(1, 5)).ToArray();
                var required = string.Join(',', members.Take(random.Next(0, members.Length + 1)).Select(name => $"\"{name}\""));
                var properties = string.Join(',', members.Select(name => $"\"{name}\":{RandomSchema(random, depth + 1)}"));
                return $$"""{"type":"object","additionalProperties":false,"required":[{{required}}],"properties":{ {{properties}} } }""";
        }
    }

    private static ChatMessage[] Context() =>
        [.. Documents.Select((text, i) => new ChatMessage(ChatRole.User, $"read (reader):\n{text}") { AuthorName = "reader" })];

    private static ChatMessage[] Prompt(string text) => [new(ChatRole.System, "You are careful."), new(ChatRole.User, text)];

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static Task<ChatResponse> AskAsync(ChatMessage[] messages, JsonElement? schema = null) =>
        new OfflineProvider().GetClient(new ModelDefinition { Name = "fast", Provider = "offline" }).GetResponseAsync(
            messages, new ChatOptions { ResponseFormat = schema is { } one ? ChatResponseFormat.ForJsonSchema(one, "answer") : null }, TestContext.Current.CancellationToken);
}
