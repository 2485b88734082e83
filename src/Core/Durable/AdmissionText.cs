using System.Globalization;

namespace Polyphony.Core.Durable;

/// <summary>Reads <see cref="AdmissionLimits"/> from settings, and checks them.</summary>
internal static class AdmissionText
{
    /// <summary>The variable of <see cref="AdmissionLimits.MaxUnfinished"/>.</summary>
    public const string AllVariable = "POLYPHONY_MAX_UNFINISHED_INSTANCES";

    /// <summary>The variable of <see cref="AdmissionLimits.PerWorkflow"/>.</summary>
    public const string WorkflowsVariable = "POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW";

    /// <summary>Reads the values of the two variables.</summary>
    /// <param name="all">That of <see cref="AllVariable"/>, if it is set.</param>
    /// <param name="workflows">That of <see cref="WorkflowsVariable"/>, if it is set.</param>
    /// <param name="problems">Takes what is no number or has no name; <see cref="Check"/> finds the rest.</param>
    /// <returns>The limits, as far as they can be read.</returns>
    public static AdmissionLimits Read(string? all, string? workflows, ICollection<string> problems)
    {
        int? limit = null;
        if (all is not null)
        {
            if (Parse(all) is { } number)
            {
                limit = number;
            }
            else
            {
                problems.Add($"{AllVariable} must be a whole number from 1; found \"{all}\".");
            }
        }

        var perWorkflow = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var part in (workflows ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part.Split('=', StringSplitOptions.TrimEntries) is not [{ Length: > 0 } name, var value] || Parse(value) is not { } number)
            {
                problems.Add($"{WorkflowsVariable} must name workflows with whole numbers from 1, such as review=10,report=2; found \"{part}\".");
            }
            else if (!perWorkflow.TryAdd(name, number))
            {
                problems.Add($"{WorkflowsVariable} names the workflow \"{name}\" twice. Keep one of the two.");
            }
        }

        return new AdmissionLimits { MaxUnfinished = limit, PerWorkflow = perWorkflow };
    }

    /// <summary>Finds what is wrong with limits.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="problems">Takes it.</param>
    public static void Check(AdmissionLimits limits, ICollection<string> problems)
    {
        if (limits.MaxUnfinished < 1)
        {
            problems.Add($"MaxUnfinishedInstances must be 1 or more; found {limits.MaxUnfinished}.");
        }

        foreach (var (name, limit) in limits.PerWorkflow.Where(pair => pair.Value < 1))
        {
            problems.Add($"MaxUnfinishedPerWorkflow of \"{name}\" must be 1 or more; found {limit}.");
        }
    }

    private static int? Parse(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
