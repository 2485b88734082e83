namespace Polyphony.Core.Runs;

/// <summary>The registered names of what the interpreter runs and calls. Never CLR types, so that code can move.</summary>
internal static class TaskNames
{
    /// <summary>The orchestration that runs a workflow; input <see cref="WorkflowInput"/>, output <see cref="WorkflowResult"/>.</summary>
    public const string WorkflowOrchestration = "polyphony-workflow";

    /// <summary>The orchestration that runs a part of the items of a <c>forEach</c>; input <see cref="ItemsInput"/>, output <see cref="ItemsResult"/>.</summary>
    public const string ItemsOrchestration = "polyphony-items";

    /// <summary>The orchestration that handles the messages of one subscriber and source, one after another; input <see cref="Topics.MailboxInput"/>.</summary>
    public const string MailboxOrchestration = "polyphony-mailbox";

    /// <summary>The entity that gives the messages of a topic their numbers and passes them to mailboxes.</summary>
    public const string TopicEntity = "polyphony-topic";

    /// <summary>The entity that keeps dead letters of a mailbox.</summary>
    public const string DeadLettersEntity = "polyphony-dead-letters";

    /// <summary>Finds who gets a message; input <see cref="Topics.PublishCall"/>, output <see cref="Topics.PublishResult"/>.</summary>
    public const string Publish = "polyphony-publish";
    /// <summary>The orchestration of a schedule; input and output <see cref="Schedules.ScheduleState"/>.</summary>
    public const string ScheduleOrchestration = "polyphony-schedule";

    /// <summary>Starts what is due of a schedule; input <see cref="Schedules.ScheduleState"/>, output <see cref="Schedules.ScheduleLook"/>.</summary>
    public const string StartDue = "polyphony-start-due";

    /// <summary>The orchestration that keeps a lock; input <see cref="Locks.LockInput"/>.</summary>
    public const string LockOrchestration = "polyphony-lock";

    /// <summary>Asks for a lock, and starts its keeper if none runs; input <see cref="Locks.LockRequest"/>, output the keeper's id.</summary>
    public const string AskForLock = "polyphony-ask-for-lock";

    /// <summary>Looks whether instances have ended that have a lock or wait for it; input <see cref="Locks.LockLook"/>, output the ids of those that have.</summary>
    public const string LookAtLock = "polyphony-look-at-lock";

    /// <summary>One model call; input <see cref="AgentCall"/>, output <see cref="AgentCallResult"/>.</summary>
    public const string Agent = "polyphony-agent";

    /// <summary>One tool call; input <see cref="ToolCall"/>, output <see cref="ToolCallResult"/>.</summary>
    public const string Tool = "polyphony-tool";

    /// <summary>Several model calls at once; input a list of <see cref="AgentCall"/>, output the list of their <see cref="AgentCallResult"/>; null: to be asked for alone, since all together are too large.</summary>
    public const string AgentBatch = "polyphony-agent-batch";

    /// <summary>Several tool calls at once; input a list of <see cref="ToolCall"/>, output the list of their <see cref="ToolCallResult"/>.</summary>
    public const string ToolBatch = "polyphony-tool-batch";

    /// <summary>Evaluates an expression of the workflow over values in the payload store; input <see cref="EvaluateCall"/>, output <see cref="EvaluateResult"/>.</summary>
    public const string Evaluate = "polyphony-evaluate";

    /// <summary>Puts values together into one list; input <see cref="PackCall"/>, output a <see cref="Payloads.Payload"/>.</summary>
    public const string Pack = "polyphony-pack";

    /// <summary>Tells the end of a run to those who trace it; input <see cref="TracedEnd"/>, no output.</summary>
    public const string TraceEnd = "polyphony-trace-end";

    /// <summary>Ends a failed workflow by throwing, unless it was rewound; input <see cref="FailCall"/>, no output.</summary>
    public const string Fail = "polyphony-fail";
}
