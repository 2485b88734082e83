using Polyphony.Activities.Limits;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tests.Limits;

/// <summary>When calls of a deployment that fails are held back, and who tries again.</summary>
[Trait("Row", "C9")]
public sealed class CircuitBreakerTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly CallError Down = new(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient);

    private readonly CircuitBreaker _breaker = new();

    [Fact]
    public void Hold_FailuresThatAreNotInARow_HoldsNothing()
    {
        for (var i = 0; i < 20; i++)
        {
            if (i % 4 == 3)
            {
                Assert.False(_breaker.Succeed());
            }

            Assert.True(GoesOut($"{i}", 0));
            Assert.Null(_breaker.Fail($"{i}", Down, At(0)));
        }
    }

    [Fact]
    public void Hold_AfterFailuresInARow_LetsOneOutAtATimeAndTheOthersAfterItsAnswer()
    {
        Open();

        Assert.Equal(Waits(10), _breaker.Hold("a", At(1)));
        Assert.Equal(Waits(10), _breaker.Hold("b", At(9)));
        Assert.True(GoesOut("b", 10));

        // While the probe is under way the others wait, and their own time is not the same for ever.
        Assert.Equal(Waits(15), _breaker.Hold("a", At(10)));
        Assert.Equal(Waits(17), _breaker.Hold("c", At(12)));
        Assert.True(_breaker.Succeed());
        Assert.True(GoesOut("a", 13));
        Assert.True(GoesOut("c", 13));
        Assert.True(_breaker.IsIdle);
    }

    [Fact]
    public void Hold_AProbeThatFails_FailsThoseThatWaitedForItAndTakesTwiceAsLong()
    {
        Open();
        _breaker.Hold("a", At(1));
        Assert.True(GoesOut("probe", 10));
        Assert.Equal(At(31), _breaker.Fail("probe", Down with { Message = "still down" }, At(11)));

        var failed = _breaker.Hold("a", At(12))!;
        Assert.Null(failed.Wait);
        Assert.Equal((ErrorCodes.ProviderUnavailable, ErrorKind.Transient), (failed.Error!.Code, failed.Error.Kind));
        Assert.Equal("No request was sent, because the one that tried whether the deployment answers again has failed: still down", failed.Error.Message);

        // Its next attempt waits for the next probe, as does one that is new.
        Assert.Equal(At(31), _breaker.Hold("a", At(13))!.Wait!.Until);
        Assert.Equal(At(31), _breaker.Hold("new", At(14))!.Wait!.Until);
        Assert.True(GoesOut("new", 31));
        Assert.Equal(At(72), _breaker.Fail("new", Down, At(32)));
    }

    [Fact]
    public void Fail_ProbesForAnHour_AreTwoMinutesApartInTheEnd()
    {
        var until = Open();
        var pauses = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            Assert.Null(_breaker.Hold($"{i}", until));
            _breaker.LetOut($"{i}");
            var next = _breaker.Fail($"{i}", Down, until)!.Value;
            pauses.Add((next - until).TotalSeconds);
            until = next;
        }

        Assert.Equal([20, 40, 80, 120, 120, 120], pauses);
        _breaker.Succeed();
        Assert.Equal(At(1_010), Open(1_000));
    }

    [Fact]
    public void Fail_OfCallsThatWentOutBefore_ChangesNothingAndTheirAnswerEndsIt()
    {
        Open();
        Assert.Null(_breaker.Fail("late", Down, At(8)));
        Assert.Equal(Waits(10), _breaker.Hold("a", At(9)));

        Assert.True(_breaker.Succeed());
        Assert.True(GoesOut("a", 9));
    }

    [Fact]
    public void Cancel_OfTheProbe_LetsAnotherTry()
    {
        Open();
        Assert.True(GoesOut("probe", 10));
        Assert.False(GoesOut("a", 11));

        _breaker.Cancel("somebody");
        Assert.False(GoesOut("a", 11));
        _breaker.Cancel("probe");
        Assert.True(GoesOut("a", 11));
    }

    /// <summary>Whatever happens in whatever order: at most one call is out while it is open, and a deployment that answers is in use again.</summary>
    [Fact]
    public void Hold_ThousandsOfSchedules_LetOutOneProbeAtATimeAndEndOpenOnlyWhileNothingAnswers()
    {
        for (var seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var breaker = new CircuitBreaker();
            var outside = new HashSet<string>();
            var probes = new HashSet<string>();
            var now = Start;
            for (var i = 0; i < 200; i++)
            {
                now = now.AddSeconds(random.Next(0, 15));
                var step = $"s{random.Next(12)}";
                if (outside.Remove(step))
                {
                    probes.Remove(step);
                    switch (random.Next(10))
                    {
                        case 0:
                            breaker.Succeed();
                            probes.Clear();
                            Assert.Null(breaker.OpenUntil);
                            break;
                        case 1:
                            breaker.Cancel(step);
                            break;
                        default:
                            breaker.Fail(step, Down, now);
                            break;
                    }
                }
                else if (breaker.Hold(step, now) is { } held)
                {
                    Assert.NotNull(breaker.OpenUntil);
                    Assert.True(held.Wait is { } wait ? wait.Until > now : held.Error is not null, $"seed {seed}: told to wait until a time that has passed");
                }
                else
                {
                    breaker.LetOut(step);
                    outside.Add(step);
                    if (breaker.OpenUntil is not null)
                    {
                        Assert.True(probes.Count == 0, $"seed {seed}: {step} goes out beside {string.Join(", ", probes)}");
                        probes.Add(step);
                    }
                }
            }
        }
    }

    private static DateTimeOffset At(int seconds) => Start.AddSeconds(seconds);

    private static HeldCall Waits(int until) => new(new CallWait(At(until), CallWaitReasons.CircuitOpen, "down"), null);

    private bool GoesOut(string step, int seconds)
    {
        if (_breaker.Hold(step, At(seconds)) is not null)
        {
            return false;
        }

        _breaker.LetOut(step);
        return true;
    }

    private DateTimeOffset Open(int seconds = 0)
    {
        for (var i = 1; i < CircuitBreaker.MaxFailures; i++)
        {
            Assert.Null(_breaker.Fail($"failed {i}", Down, At(seconds)));
        }

        return _breaker.Fail("failed", Down, At(seconds))!.Value;
    }
}
