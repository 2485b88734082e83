using Polyphony.Activities.Limits;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tests.Limits;

public sealed class DeploymentGateTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ModelDefinition Unlimited = new() { Name = "m", Provider = "openai", Model = "m" };

    private readonly DeploymentGate _gate = new();

    [Fact]
    [Trait("Row", "C4")]
    public void Enter_WhilePaused_WaitsUntilTheEndOfTheLongestPause()
    {
        Pause(9, "Rate limit reached");
        Pause(5, "shorter");

        Assert.Equal(new CallWait(At(9), CallWaitReasons.RetryAfter, "Rate limit reached"), Enter("a", Unlimited, 4));
        Assert.Null(Enter("a", Unlimited, 9));
    }

    [Fact]
    [Trait("Row", "C3")]
    public void Enter_MoreRequestsThanAMinuteTakes_GivesEachATimeInTheOrderOfAsking()
    {
        var model = Unlimited with { RequestsPerMinute = 2 };

        Assert.Null(Enter("a", model, 0));
        Assert.Null(Enter("b", model, 10));
        Assert.Equal(Requests(60), Enter("c", model, 20));
        Assert.Equal(Requests(70), Enter("d", model, 21));
        Assert.Equal(Requests(120), Enter("e", model, 22));

        // Whoever asks again before its time is told the same; at its time it goes.
        Assert.Equal(Requests(60), Enter("c", model, 30));
        Assert.Null(Enter("c", model, 60));
        Assert.Null(Enter("d", model, 70));
        Assert.Null(Enter("e", model, 120));
    }

    [Fact]
    [Trait("Row", "C3")]
    public void Enter_AllComeBackTogetherAfterAPause_LimitHolds()
    {
        var model = Unlimited with { RequestsPerMinute = 3 };
        string[] steps = [.. Enumerable.Range(0, 9).Select(i => $"s{i}")];
        foreach (var step in steps)
        {
            Enter(step, model, 0);
        }

        Pause(600, "later");
        var sent = new List<int>();
        var waiting = steps.Skip(3).ToDictionary(step => step, _ => 600);
        for (var second = 600; waiting.Count > 0; second++)
        {
            foreach (var step in waiting.Where(pair => pair.Value <= second).Select(pair => pair.Key).ToList())
            {
                if (Enter(step, model, second) is { } wait)
                {
                    waiting[step] = (int)(wait.Until - Start).TotalSeconds;
                }
                else
                {
                    sent.Add(second);
                    waiting.Remove(step);
                }
            }
        }

        Assert.Equal([600, 600, 600, 660, 660, 660], sent);
    }

    [Fact]
    [Trait("Row", "C3")]
    public void Enter_WaitLongerThanWanted_KeepsNoPlace()
    {
        var model = Unlimited with { RequestsPerMinute = 1 };
        Enter("a", model, 0);

        Assert.Equal(Requests(60), _gate.Enter("b", model, TimeSpan.FromSeconds(10), At(0))!.Wait);
        Assert.Equal(Requests(60), Enter("c", model, 0));
    }

    [Fact]
    [Trait("Row", "C3")]
    public void Enter_TokensOfTheLastMinuteUsedUp_WaitsUntilEnoughAreFree()
    {
        var model = Unlimited with { TokensPerMinute = 100 };
        Assert.Null(Enter("a", model, 0));
        _gate.Leave("a", 60);

        // A call under way counts as much as the last: 60 + 60.
        Assert.Null(Enter("b", model, 10));
        Assert.Equal(new CallWait(At(60), CallWaitReasons.TokensPerMinute), Enter("c", model, 11));
        _gate.Leave("b", 30);
        Assert.Null(Enter("c", model, 12));
        _gate.Leave("c", 20);
        Assert.Equal(new CallWait(At(60), CallWaitReasons.TokensPerMinute), Enter("d", model, 13));
        Assert.Null(Enter("d", model, 60));
    }

    [Fact]
    [Trait("Row", "C3")]
    public void IsIdle_AfterAMinuteWithoutCalls()
    {
        Enter("a", Unlimited with { RequestsPerMinute = 5 }, 0);

        Assert.False(_gate.IsIdle(At(59)));
        Assert.True(_gate.IsIdle(At(60)));
    }

    private static DateTimeOffset At(int seconds) => Start.AddSeconds(seconds);

    private static CallWait Requests(int seconds) => new(At(seconds), CallWaitReasons.RequestsPerMinute);

    private void Pause(int until, string message) => _gate.Fail("failed", new CallError(ErrorCodes.RateLimited, message, ErrorKind.RateLimited, until * 1_000), At(0));

    private CallWait? Enter(string step, ModelDefinition model, int seconds) => _gate.Enter(step, model, null, At(seconds))?.Wait;
}
