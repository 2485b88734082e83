using Polyphony.Activities.Limits;
using Polyphony.Activities.Providers;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
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
        gates.Fail(Resolved(Model("m")), "a", new CallError(ErrorCodes.RateLimited, "Slow down.", ErrorKind.RateLimited, 9_000));

        Assert.Equal(_clock.GetUtcNow().AddSeconds(9), Assert.Single(gates.List()).PausedUntil);

        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(gates.List());
    }

    [Fact]
    [Trait("Row", "C9")]
    public void List_OfADeploymentThatFailsEveryCall_TellsUntilItAnswers()
    {
        var gates = new DeploymentGates(_clock);
        var model = Resolved(Model("m"));
        for (var i = 1; i <= CircuitBreaker.MaxFailures; i++)
        {
            Assert.Null(gates.Enter(model, $"{i}", null));
            Assert.Equal(i == CircuitBreaker.MaxFailures ? _clock.GetUtcNow().AddSeconds(10) : null, gates.Fail(model, $"{i}", new CallError(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient)));
        }

        Assert.Equal(_clock.GetUtcNow().AddSeconds(10), Assert.Single(gates.List()).FailingUntil);
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.NotNull(Assert.Single(gates.List()).FailingUntil);

        Assert.Null(gates.Enter(model, "probe", null));
        Assert.True(gates.Leave(model, "probe", 10));
        Assert.Empty(gates.List());
        Assert.False(gates.Leave(model, "later", 10));
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
