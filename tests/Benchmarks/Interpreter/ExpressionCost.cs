using System.Diagnostics;
using System.Text.Json;
using Polyphony.Expressions;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>What parsing and evaluating an expression and a template cost.</summary>
internal static class ExpressionCost
{
    private const string Condition = "nodes.review.output.score < 8 && size(nodes.review.output.problems) > 0";
    private const string Prompt = "Rewrite this about {{ input.topic }}: {{ nodes.draft.output.text }} Mind these: {{ nodes.review.output.problems.map(p, p.text) }}";

    internal static Task RunAsync(Round round)
    {
        var scope = new ExpressionScope(new Dictionary<string, ExpressionValue>(StringComparer.Ordinal)
        {
            ["input"] = Json("""{"topic":"durable agents"}"""),
            ["nodes"] = Json(
                """
                {"draft":{"output":{"text":"A first draft, two sentences long. This is the second one."}},
                 "review":{"output":{"score":5,"problems":[{"text":"too short"},{"text":"no example"},{"text":"no source"}]}}}
                """),
        });
        if (!Expression.TryParse(Condition, out var condition, out var problems) || !Template.TryParse(Prompt, out var prompt, out problems))
        {
            throw new InvalidOperationException($"The benchmark's expressions are not valid: {problems[0].Message}");
        }

        var count = round.Scale(100_000, 1000);
        Time(round, "expression.parse", count / 10, () => Expression.TryParse(Condition, out var parsed, out _) ? parsed : null);
        Time(round, "expression.evaluate", count, () => condition.EvaluateCondition(scope));
        Time(round, "template.parse", count / 10, () => Template.TryParse(Prompt, out var parsed, out _) ? parsed : null);
        Time(round, "template.render", count, () => prompt.Render(scope));
        return Task.CompletedTask;
    }

    private static ExpressionValue Json(string json) => ExpressionValue.FromJson(JsonElement.Parse(json));

    private static void Time(Round round, string name, int count, Func<object?> action)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            _ = action();
        }

        round.Record(name, "µs", Stopwatch.GetElapsedTime(began).TotalMicroseconds / count, higherIsBetter: false);
        round.Record($"{name}.allocated", "bytes", (double)(GC.GetAllocatedBytesForCurrentThread() - allocated) / count, higherIsBetter: false);
    }
}
