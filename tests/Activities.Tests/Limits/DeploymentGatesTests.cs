using Polyphony.Activities.Limits;
using Polyphony.Activities.Providers;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.TestKit.Chat;
using Polyphony.TestKit.Clocks;

namespace Polyphony.Activities.Tests.Limits;

/// <summary>What is told of deployments: use against limits, and nothing of keys.</summary>
[Trait("Row", "C6")]
public sealed class DeploymentGatesTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void List_OfDeploymentsWithLimits_TellsWhatTheLastMinuteTook()
    {
        var gates = new DeploymentGates(_clock);
        var model = Model("m") with { RequestsPerMinute = 2, TokensPerMinute = 1_000 };
        Enter(gates, model, "a");
        Enter(gates, model, "b");
        gates.Leave(Resolved(model), "a", 70);
        gates.Leave(Resolved(model), "b", 30);
        Enter(gates, model, "c");
        Enter(gates, Model("free"), "d");

        Assert.Equal([new DeploymentUse("openai", "https://api.example:8443", "m", 2, 2, 100, 1_000, 1, null)], gates.List());

        // The one that found no room is expected in a minute; nothing else is left by then.
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal([new DeploymentUse("openai", "https://api.example:8443", "m", 0, 2, 0, 1_000, 1, null)], gates.List());
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Empty(gates.List());
    }

    [Fact]
    public void List_OfADeploymentWithAPause_TellsItsEndUntilThen()
    {
        var gates = new DeploymentGates(_clock);
        gates.Pause(Resolved(Model("m")), TimeSpan.FromSeconds(9), "Slow down.");

        Assert.Equal(_clock.GetUtcNow().AddSeconds(9), Assert.Single(gates.List()).PausedUntil);

        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(gates.List());
    }

    private static ModelDefinition Model(string name) => new()
    {
        Name = name,
        Provider = "openai",
        Model = name,
        Endpoint = new Uri("https://user:secret@api.example:8443/v1?key=secret"),
        ApiKeyVariable = "SECRET_KEY",
    };

    private static ResolvedModel Resolved(ModelDefinition model) => new(new ScriptedChatClient(), model);

    private static void Enter(DeploymentGates gates, ModelDefinition model, string step) => gates.Enter(Resolved(model), step, null);
}
