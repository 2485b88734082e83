using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Makes the workflows that short forms of subscriptions stand for and those that summarise, and reports what is wrong in them where it was written.</summary>
internal static class Handlers
{
    public static IReadOnlyList<SubscriptionDefinition> Make(ParseContext context, WorkflowReader workflow, Func<SourceMapping, WorkflowParseResult> parse)
    {
        var subscriptions = new List<SubscriptionDefinition>();
        foreach (var draft in workflow.Subscriptions)
        {
            var subscription = draft.Definition;
            if (draft.Short is { } written)
            {
                var parsed = parse(written);
                // The rest of the file was checked already.
                foreach (var problem in parsed.Problems.Where(problem => !context.Problems.Exists(known => known.Code == problem.Code && known.Location == problem.Location && known.Message == problem.Message)))
                {
                    context.Problems.Add(problem with { Path = Written(problem.Path, subscription) });
                }

                foreach (var warning in parsed.Warnings.Where(warning => warning.Path.StartsWith("nodes.", StringComparison.Ordinal) || warning.Path.StartsWith("state.", StringComparison.Ordinal)))
                {
                    context.Warnings.Add(warning with { Path = Written(warning.Path, subscription) });
                }

                subscription = subscription with { Handler = parsed.Definition };
            }

            if (draft.Summary is { } summary)
            {
                // All that could be wrong in it is wrong in the rest of the file.
                subscription = subscription with { Summarizer = parse(summary).Definition };
            }

            subscriptions.Add(subscription);
        }

        return subscriptions;
    }

    /// <summary>Finds where something of the short form's file was written: its node is the subscription, its other nodes and its edges are what is published.</summary>
    private static string Written(string path, SubscriptionDefinition subscription)
    {
        var own = $"subscriptions.{subscription.Name}";
        var node = $"nodes.{subscription.Name}";
        if (path.StartsWith(node + "_publish_", StringComparison.Ordinal))
        {
            var rest = path[(node.Length + "_publish_".Length)..];
            var end = rest.IndexOf('.', StringComparison.Ordinal);
            var (number, key) = end < 0 ? (rest, "") : (rest[..end], rest[end..]);
            return int.TryParse(number, out var place) ? $"{own}.publish[{place - 1}]{(key == ".publish" ? ".topic" : key)}" : own;
        }

        return path == node || path.StartsWith(node + ".", StringComparison.Ordinal) ? own + path[node.Length..]
            : path.StartsWith("edges[", StringComparison.Ordinal) ? $"{own}.publish{path["edges".Length..]}"
            : path.StartsWith("state", StringComparison.Ordinal) ? $"{own}.{path}"
            : path.StartsWith("input", StringComparison.Ordinal) ? $"{own}.schema{path["input".Length..]}"
            : path;
    }
}
