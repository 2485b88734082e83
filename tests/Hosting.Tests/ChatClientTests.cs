using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Polyphony.Core.Definitions;
using Polyphony.TestKit.Chat;

namespace Polyphony.Hosting.Tests;

/// <summary>Chat clients of an app as providers of models.</summary>
[Trait("Row", "H15")]
public sealed class ChatClientTests : IDisposable
{
    private const string Asks = """
        name: asks
        models: { smart: { provider: anthropic, model: claude-sonnet, temperature: 0.5 } }
        agents: { writer: { model: smart, instructions: "Be brief." } }
        nodes: { write: { agent: writer, prompt: "Hello" } }
        output: "{{ nodes.write.output }}"
        """;

    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Model_OfAChatClient_IsAskedWithItsModelsName(bool keyed)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var client = new ScriptedChatClient("Good day.");
        _app.Write("flows/asks.yaml", Asks);
        using var host = _app.Worker(builder =>
        {
            var polyphony = builder.AddPolyphony(options => options.InMemory = true).AddWorkflows("flows");
            if (keyed)
            {
                builder.Services.AddKeyedSingleton<IChatClient>("anthropic", client);
            }
            else
            {
                polyphony.AddChatClient("anthropic", _ => client);
            }
        });
        await host.StartAsync(cancellationToken);

        var ended = await TestApp.RunAsync(host, "asks", "{}");

        Assert.Contains("Good day.", ended.Output!, StringComparison.Ordinal);
        var asked = Assert.Single(client.Requests).Options!;
        Assert.Equal(("claude-sonnet", 0.5f), (asked.ModelId, asked.Temperature));
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Model_OfAKeyedClientCalledLikeAProviderOfPolyphonys_StaysPolyphonys()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var own = new ScriptedChatClient("Never asked.");
        _app.Write("flows/asks.yaml", Asks.Replace("anthropic", "offline", StringComparison.Ordinal));
        using var host = _app.Worker(builder =>
        {
            builder.Services.AddKeyedSingleton<IChatClient>("offline", own);
            builder.AddPolyphony(options => options.InMemory = true).AddWorkflows("flows");
        });
        await host.StartAsync(cancellationToken);
        await TestApp.RunAsync(host, "asks", "{}");

        Assert.Empty(own.Requests);
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Model_OfAProviderThatTheAppDoesNotHave_FailsAndNamesThoseThatItHas()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var client = new ScriptedChatClient("Never asked.");
        _app.Write("flows/asks.yaml", Asks);
        using var host = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true).AddWorkflows("flows").AddChatClient("ollama", _ => client));
        await host.StartAsync(cancellationToken);

        var ended = await TestApp.RunAsync(host, "asks", "{}");

        Assert.Contains("\\\"anthropic\\\", which this host does not have. It has \\\"azure-openai\\\", \\\"offline\\\", \\\"ollama\\\", \\\"openai\\\"", $"{ended.Output}{ended.FailureDetails?.ErrorMessage.Replace("\"", "\\\"", StringComparison.Ordinal)}", StringComparison.Ordinal);
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Start_ClientsThatCannotServe_AreRefused()
    {
        using var client = new ScriptedChatClient("Never asked.");
        using var host = _app.Worker(builder =>
        {
            builder.Services.AddKeyedScoped<IChatClient>("scoped", (_, _) => client);
            builder.AddPolyphony(options => options.Models.Add(new ModelDefinition { Name = "m", Provider = "bedrock" }))
                .AddChatClient("twice", _ => client).AddChatClient("twice", _ => client);
        });

        var invalid = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(
            [
                "There are 2 chat clients named \"twice\". Give each a different name.",
                "The chat client \"scoped\" is registered as scoped; expected a singleton, because model calls belong to no request. Register it with AddKeyedSingleton or AddChatClient.",
                "The model \"m\" names the provider \"bedrock\", which this app does not have. It has offline, openai, azure-openai, scoped, twice. Add it: AddChatClient(\"bedrock\", …).",
            ],
            invalid.Failures);
    }
}
