using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Graph;
using Polyphony.Core.Locks;

namespace Polyphony.Core.Runs;

/// <summary>What the parts of one run share: what it runs, what it calls, and what limits and stops it.</summary>
internal sealed class RunContext
{
    public RunContext(OrchestrationContext durable, WorkflowInput input, PlanCache plans, InterpreterOptions options, CodeWorkflows? code)
    {
        Durable = durable;
        Input = input;
        Options = options;
        Code = code;
        Plan = plans.Get(input.DefinitionHash);
        SubWorkflows = input.SubWorkflows is { } hashes ? new PinnedWorkflows(plans, hashes, input.Depth) : null;
        LogicalId = input.LogicalId ?? durable.InstanceId;
        StartedTime = durable.CurrentUtcDateTime;
        var own = Plan.Definition.Limits;
        Limits = new RunLimits(
            input.Limits?.MaxConcurrency ?? own.MaxConcurrency,
            input.Limits?.MaxModelCalls ?? own.MaxModelCalls,
            input.Limits?.MaxTokens ?? own.MaxTokens,
            input.Limits?.MaxCostUsd ?? own.MaxCostUsd,
            input.Limits?.TimeoutMs ?? (long?)own.Timeout?.TotalMilliseconds);
        Calls = new RunCalls(durable, Plan.Definition, input.RootInstanceId ?? durable.InstanceId, input.RootWorkflow);
        Publications = new Publications(durable, input.HoldsPublications);
        Budget = new RunBudget(Limits);
        Slots = new SlotGate(MaxConcurrency);
        Locks = new RunLocks(this);
    }

    public OrchestrationContext Durable { get; }

    public WorkflowInput Input { get; }

    public InterpreterOptions Options { get; }

    /// <summary>Gets the program's workflows in C#.</summary>
    public CodeWorkflows? Code { get; }

    public WorkflowPlan Plan { get; }

    public WorkflowGraph Graph => Plan.Graph;

    public PinnedWorkflows? SubWorkflows { get; }

    public RunLimits Limits { get; }

    public RunCalls Calls { get; }

    public RunBudget Budget { get; }

    public RunStop Stop { get; } = new();

    /// <summary>Gets where published messages go.</summary>
    public Publications Publications { get; }

    public SlotGate Slots { get; }

    /// <summary>Gets the locks that the run holds and waits for.</summary>
    public RunLocks Locks { get; }

    /// <summary>Gets the name under which model calls are recorded: the instance's, or for a sub-workflow the parent's and the activation's.</summary>
    public string LogicalId { get; }

    public bool IsRoot => Input.RootInstanceId is null;

    public int MaxConcurrency => Limits.MaxConcurrency ?? WorkflowLimits.DefaultMaxConcurrency;

    public DateTimeOffset Now => Durable.CurrentUtcDateTime;

    /// <summary>Gets or sets when the run began, in its first generation.</summary>
    public DateTimeOffset StartedTime { get; set; }

    /// <summary>Gets or sets how many times the run has failed and was rewound.</summary>
    public int Failures { get; set; }

    /// <summary>Gets how many times answers may have been recorded before: by this run before a failure, or by its parent's earlier attempts.</summary>
    public int Rewinds => Failures + Input.Rewinds;
}
