using System.Text.Json;

namespace Polyphony.Contract.Http;

/// <summary>Topics, mailboxes and sessions. The host serves samples/tickets.yaml.</summary>
[Trait("Row", "R2")]
public abstract class TopicContract(ApiTarget api)
{
    [Fact]
    [Trait("Row", "R6")]
    public async Task Publish_WithWait_GivesTheAnswer_AndTheSameIdTheSameOnce()
    {
        var ticket = ApiTarget.NewId();
        var first = await PublishAsync(ticket, "one", "My printer does not print.", wait: 60);
        var again = await PublishAsync(ticket, "one", "Something else.", wait: 60);
        var second = await PublishAsync(ticket, "two", "It works.", wait: 60);

        Assert.Equal((200, 200, 200), ((int)first.Status, (int)again.Status, (int)second.Status));
        var delivery = first.Json.GetProperty("deliveries")[0];
        Assert.Equal(("tickets", "clerk", "completed"), (delivery.GetProperty("workflow").GetString(), delivery.GetProperty("subscription").GetString(), delivery.GetProperty("stopReason").GetString()));
        Assert.NotEqual("", delivery.GetProperty("output").GetString());
        Assert.Equal(delivery.GetProperty("runId").GetString(), again.Json.GetProperty("deliveries")[0].GetProperty("runId").GetString());

        var mailbox = (await api.GetAsync(new Uri(delivery.GetProperty("mailboxGetUri").GetString()!).PathAndQuery[1..])).Json;
        Assert.Equal((3, 1, 2), (mailbox.GetProperty("handled").GetInt32(), mailbox.GetProperty("duplicates").GetInt32(), mailbox.GetProperty("conversationMessages").GetInt32() / 2));
        Assert.Equal("""{"last":"It works.","messages":2}""", mailbox.GetProperty("state").GetRawText());

        // The run that handled the message is an instance like others, and so is the mailbox, but that it never ends.
        var run = await api.GetAsync($"api/instances/{Uri.EscapeDataString(delivery.GetProperty("runId").GetString()!)}");
        Assert.Equal(("tickets", "My printer does not print."), (run.Json.GetProperty("name").GetString(), run.Json.GetProperty("input").GetProperty("text").GetString()));
        var refused = await api.PostAsync($"api/instances/{Uri.EscapeDataString(delivery.GetProperty("mailboxId").GetString()!)}/terminate");
        Assert.Equal((409, "mailbox_never_ends"), ((int)refused.Status, refused.Code));
    }

    [Fact]
    [Trait("Row", "R3")]
    public async Task WhatAnAgentAnswers_IsPublishedToTheNextSubscriber()
    {
        var ticket = ApiTarget.NewId();
        await PublishAsync(ticket, "one", "My printer does not print.", wait: 60);

        var outbox = await UntilAsync($"api/mailboxes/mailbox%3Atickets.outbox%3A{ticket}", mailbox => mailbox.GetProperty("handled").GetInt32() == 1);

        Assert.Equal(("replies", ticket), (outbox.GetProperty("topic").GetString(), outbox.GetProperty("source").GetString()));
        var listed = (await api.GetAsync("api/mailboxes?topic=replies&top=1000")).Json.EnumerateArray().Select(mailbox => mailbox.GetProperty("source").GetString());
        Assert.Contains(ticket, listed);
        var topics = (await api.GetAsync("api/topics")).Json.EnumerateArray().Select(each => $"{each.GetProperty("topic").GetString()} {each.GetProperty("name").GetString()}");
        Assert.Equal(["replies outbox", "tickets clerk"], topics);
        Assert.Empty((await api.GetAsync($"api/mailboxes/mailbox%3Atickets.outbox%3A{ticket}/dead-letters")).Json.EnumerateArray());
    }

    [Fact]
    [Trait("Row", "R13")]
    public async Task Session_AnswersWithTheReply_OneTurnAtATime_AndKeepsWhatWasSaid()
    {
        var session = ApiTarget.NewId();
        var replies = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => api.PostAsync($"api/sessions/clerk/{session}/messages", $$$"""{"data":{"text":"Question {{{i}}}."}}""")));

        Assert.All(replies, reply => Assert.Equal(200, (int)reply.Status));
        Assert.All(replies, reply => Assert.NotEqual("", reply.Json.GetProperty("deliveries")[0].GetProperty("output").GetString()));
        var said = (await api.GetAsync($"api/sessions/clerk/{session}")).Json.GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(["user", "assistant", "user", "assistant", "user", "assistant"], said.Select(message => message.GetProperty("role").GetString()));
        Assert.Equal(
            ["Question 1.", "Question 2.", "Question 3."],
            said.Where((_, i) => i % 2 == 0).Select(message => message.GetProperty("content").GetString()).Order(StringComparer.Ordinal));
    }

    [Theory]
    [Trait("Row", "T4")]
    [InlineData("api/topics/tickets/4711/messages", """{"data":{"text":"x"},"id":"1"}""", 400, "unknown_field")]
    [InlineData("api/topics/tickets/4711/messages", """{"data":{"text":""}}""", 400, "input_invalid")]
    [InlineData("api/topics/tickets/4711/messages", """{"messageId":"1"}""", 400, "invalid_request")]
    [InlineData("api/topics/tickets/4711/messages", "[1]", 400, "invalid_request")]
    [InlineData("api/topics/Tickets/4711/messages", """{"data":{"text":"x"}}""", 400, "topic_invalid")]
    [InlineData("api/topics/ticket/4711/messages", """{"data":{"text":"x"}}""", 404, "no_subscriber")]
    [InlineData("api/topics/tickets/4711/messages?wait=61", """{"data":{"text":"x"}}""", 400, "invalid_parameter")]
    [InlineData("api/sessions/nobody/1/messages", """{"data":{"text":"x"}}""", 404, "session_not_found")]
    [InlineData("api/mailboxes/mailbox%3Atickets.clerk%3A0/dead-letters/1/replay", "", 404, "dead_letter_not_found")]
    [InlineData("api/workflows/hello/instances", """{"input":{"name":"x"},"instanceId":"mailbox:mine"}""", 400, "instance_id_invalid")]
    public async Task WhatIsWrong_IsRefusedWithItsCode(string path, string body, int status, string code)
    {
        var answer = await api.PostAsync(path, body.Length == 0 ? null : body);

        Assert.Equal((status, code), ((int)answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("api/mailboxes/mailbox%3Atickets.clerk%3Anever", "mailbox_not_found")]
    [InlineData("api/mailboxes/mailbox%3Atickets.clerk%3Anever/dead-letters", "mailbox_not_found")]
    [InlineData("api/sessions/clerk/never", "mailbox_not_found")]
    public async Task WhatIsNotThere_IsNotFound(string path, string code)
    {
        var answer = await api.GetAsync(path);

        Assert.Equal((404, code), ((int)answer.Status, answer.Code));
    }

    private Task<ApiAnswer> PublishAsync(string ticket, string id, string text, int wait) =>
        api.PostAsync($"api/topics/tickets/{ticket}/messages?wait={wait}", JsonSerializer.Serialize(new { data = new { text }, messageId = id }));

    private async Task<JsonElement> UntilAsync(string path, Func<JsonElement, bool> condition)
    {
        while (true)
        {
            var answer = await api.GetAsync(path);
            if ((int)answer.Status == 200 && condition(answer.Json))
            {
                return answer.Json;
            }

            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
