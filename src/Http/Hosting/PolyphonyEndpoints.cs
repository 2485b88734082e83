using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;
using Polyphony.Core.Client;
using Polyphony.Core.Ledger;
using Polyphony.Core.Topics;
using Polyphony.Http.Approvals;
using Polyphony.Http.Health;
using Polyphony.Http.Instances;
using Polyphony.Http.Ledger;
using Polyphony.Http.Problems;
using Polyphony.Http.Queue;
using Polyphony.Http.Schedules;
using Polyphony.Http.Topics;
using Polyphony.Http.Workflows;

namespace Polyphony.Http.Hosting;

/// <summary>The routes of the HTTP API.</summary>
internal static class PolyphonyEndpoints
{
    /// <summary>The path of the OpenAPI document on hosts that serve nothing else.</summary>
    public const string DefaultOpenApiPath = "/openapi/v1.json";

    private static readonly DescribedParameter Wait = Query("wait", JsonSchemaType.Integer, "Seconds to wait for the instance to finish before responding, 0 to 60. Default 0.");
    private static readonly DescribedParameter Handled = Query("wait", JsonSchemaType.Integer, "Seconds to wait for every subscriber to handle the message before responding, 0 to 60. Default 0.");
    private static readonly DescribedParameter Reason = Query("reason", JsonSchemaType.String, "The reason; at most 1,000 characters.");
    private static readonly DescribedParameter Continuation = Header(InstanceHandlers.ContinuationHeader, "The header of the same name of the previous page.");
    private static readonly DescribedParameter Idempotency = Header(IdempotencyKey.Header, "1 to 200 printable characters. Requests with the same key and body start one instance.");
    private static readonly HealthRoute Health = new();
    private static readonly DescribedParameter HistoryPayloads = Query("showHistoryOutput", JsonSchemaType.Boolean, "Whether events carry inputs and outputs.");

    /// <summary>Maps every route, and the OpenAPI document.</summary>
    /// <param name="endpoints">The routes of the host.</param>
    /// <param name="openApiPath">Where the document is served.</param>
    /// <returns>The routes.</returns>
    public static IEndpointRouteBuilder MapPolyphonyApi(this IEndpointRouteBuilder endpoints, string openApiPath = DefaultOpenApiPath)
    {
        endpoints.MapGet(openApiPath, PolyphonyOpenApi.WriteAsync).ExcludeFromDescription();
        MapHealth(endpoints);
        MapWorkflows(endpoints.MapGroup("/api/workflows").WithTags("Workflows"));
        MapInstances(endpoints.MapGroup("/api/instances").WithTags("Instances"));
        MapManagement(endpoints.MapGroup("/api/instances/{id}").WithTags("Instances"));
        MapTopics(endpoints.MapGroup("/api").WithTags("Topics"));
        MapSchedules(endpoints.MapGroup("/api/schedules").WithTags("Schedules"));
        endpoints.MapGet("/api/queue", (HttpContext context, QueueHandlers handlers) => handlers.ReadAsync(context))
            .WithTags("Queue").Named("getQueue").WithSummary("Show how many instances are unfinished, what they wait for, and the limits").Produces<QueueStatus>().Problems(RouteProblems.Queue);
        MapUsage(endpoints.MapGroup("/api").WithTags("Usage"));
        endpoints.MapGet("/api/approvals", (HttpContext context, ApprovalHandlers handlers) => handlers.ListAsync(context))
            .WithTags("Approvals").Named("listApprovals").WithSummary("List the questions that wait for a person")
            .Produces<List<Approval>>().Problems(RouteProblems.List)
            .WithMetadata(Query("top", JsonSchemaType.Integer, "The number of running instances to look at: 1 to 1,000, default 1,000."), Continuation);
        endpoints.MapGet("/api/approvals/{id}/{activation}", (HttpContext context, string id, string activation, ApprovalHandlers handlers) => handlers.GetAsync(context, id, activation))
            .WithTags("Approvals").Named("getApproval").WithSummary("Show the whole of a question that waits for a person")
            .Produces<Approval>().Problems(RouteProblems.Question);
        return endpoints;
    }

    private static void MapUsage(RouteGroupBuilder group)
    {
        group.MapGet("/usage", (HttpContext context, UsageHandlers handlers) => handlers.ReadAsync(context))
            .Named("getUsage").WithSummary("Show what model calls have used and cost, by day, workflow, agent, provider or model, as JSON or CSV")
            .Produces<UsageReport>().Problems(RouteProblems.Usage)
            .WithMetadata(
                new TextForm("text/csv"),
                Query("from", JsonSchemaType.String, "The first day (UTC), such as 2026-01-31. Default 29 days before \"to\"."),
                Query("to", JsonSchemaType.String, "The last day. Default today. At most 400 days in all."),
                Query("by", JsonSchemaType.String, "What rows are of: some of day, workflow, agent, provider, model, separated by commas or given several times. Default: only the total."),
                Query("workflow", JsonSchemaType.String, "The workflow that was started."),
                Query("agent", JsonSchemaType.String, "The agent."),
                Query("model", JsonSchemaType.String, "The model or deployment as the provider knows it."),
                Query("format", JsonSchemaType.String, "json (default) or csv."),
                Query("top", JsonSchemaType.Integer, "The maximum number of rows: 1 to 10,000, default 1,000. CSV has every row."));
        group.MapGet("/usage/unsettled", (HttpContext context, UsageHandlers handlers) => handlers.UnsettledAsync(context))
            .Named("listUnsettledCalls").WithSummary("List model calls that were begun and never settled, newest first: each may have been billed without being recorded, or is under way")
            .Produces<List<RecordedCall>>().Problems(RouteProblems.Usage)
            .WithMetadata(Query("top", JsonSchemaType.Integer, "The maximum number of calls: 1 to 1,000, default 100."));
        group.MapGet("/instances/{id}/calls", (HttpContext context, string id, UsageHandlers handlers) => handlers.CallsAsync(context, id))
            .Named("listCalls").WithSummary("List the model calls and tool calls that an instance is charged with, in the order in which they were begun")
            .Produces<List<RecordedCall>>().Problems(RouteProblems.Read)
            .WithMetadata(
                Query("from", JsonSchemaType.Integer, "How many are left out at the beginning. Default 0."),
                Query("top", JsonSchemaType.Integer, "The maximum number of calls: 1 to 1,000, default 100."));
    }

    private static void MapHealth(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/healthz/live", () => HealthHandlers.Live())
            .WithTags("Health").Named("live").WithSummary("Whether the process answers").Produces<HealthStatus>().Problems(RouteProblems.Live).WithMetadata(Health);
        endpoints.MapGet("/healthz/ready", (HttpContext context, HealthHandlers handlers) => handlers.Ready(context))
            .WithTags("Health").Named("ready").WithSummary("Whether the host can serve").Produces<HealthStatus>().Problems(RouteProblems.Ready).WithMetadata(Health);
    }

    private static void MapWorkflows(RouteGroupBuilder group)
    {
        group.MapGet("", (HttpContext context, WorkflowHandlers handlers) => handlers.ListAsync(context))
            .Named("listWorkflows").WithSummary("List the workflows that can be started").Produces<List<WorkflowSummary>>().Problems(RouteProblems.Workflows);
        group.MapGet("/{name}", (HttpContext context, string name, WorkflowHandlers handlers) => handlers.GetAsync(context, name))
            .Named("getWorkflow").WithSummary("Show a workflow with its definition").Produces<WorkflowSummary>().Problems(RouteProblems.Workflow);
        group.MapPost("/{name}/instances", (HttpContext context, string name, StartHandlers handlers) => handlers.StartAsync(context, name))
            .Named("startInstance").WithSummary("Start an instance")
            .Accepts<StartInstance>(isOptional: true, "application/json")
            .Produces<InstanceLinks>(StatusCodes.Status202Accepted).Produces<InstanceStatus>().Problems(RouteProblems.Start)
            .WithMetadata(Wait, Idempotency);
    }

    private static void MapInstances(RouteGroupBuilder group)
    {
        group.MapGet("", (HttpContext context, InstanceHandlers handlers) => handlers.ListAsync(context))
            .Named("listInstances").WithSummary("List instances, newest first").Produces<List<InstanceStatus>>().Problems(RouteProblems.List)
            .WithMetadata(
                Query("workflow", JsonSchemaType.String, "The workflow's name."),
                Query("runtimeStatus", JsonSchemaType.String, "Statuses, separated by commas or given several times."),
                Query("tag", JsonSchemaType.String, "A tag given at the start, such as team=north; given several times, all must hold."),
                Query("instanceIdPrefix", JsonSchemaType.String, "What ids start with."),
                Query("createdTimeFrom", JsonSchemaType.String, "Earliest creation time, inclusive."),
                Query("createdTimeTo", JsonSchemaType.String, "Latest creation time, exclusive."),
                Query("showInput", JsonSchemaType.Boolean, "Whether inputs are read. Default false."),
                Query("showChildren", JsonSchemaType.Boolean, "Whether sub-workflows are listed as well. Default false."),
                Query("top", JsonSchemaType.Integer, "The size of a page: 1 to 1,000, default 100."),
                Continuation);
        group.MapPost("", (HttpContext context, StartHandlers handlers) => handlers.StartDefinitionAsync(context))
            .Named("startDefinition").WithSummary("Start an instance of an inline definition, on hosts that allow it")
            .Accepts<StartDefinition>("application/json")
            .Produces<InstanceLinks>(StatusCodes.Status202Accepted).Produces<InstanceStatus>().Problems(RouteProblems.StartDefinition)
            .WithMetadata(Wait, Idempotency);
        group.MapGet("/{id}", (HttpContext context, string id, InstanceHandlers handlers) => handlers.GetAsync(context, id))
            .Named("getInstance").WithSummary("Show an instance: 202 while it runs, 200 once it has finished")
            .Produces<InstanceStatus>().Produces<InstanceStatus>(StatusCodes.Status202Accepted).Problems(RouteProblems.Read)
            .WithMetadata(
                Wait,
                Query("showInput", JsonSchemaType.Boolean, "Whether the input is read. Default true."),
                Query("showOutcomes", JsonSchemaType.Boolean, "Whether it lists how every activation ended. Default false."),
                Query("showHistory", JsonSchemaType.Boolean, "Whether the history is read. Default false."),
                HistoryPayloads);
        group.MapGet("/{id}/history", (HttpContext context, string id, InstanceHandlers handlers) => handlers.HistoryAsync(context, id))
            .Named("getHistory").WithSummary("Show the history of an instance, oldest first").Produces<InstanceHistory>().Problems(RouteProblems.Read)
            .WithMetadata(Query("from", JsonSchemaType.Integer, "The first sequence number wanted. Default 0."), HistoryPayloads);
        group.MapGet("/{id}/timeline", (HttpContext context, string id, InstanceHandlers handlers) => handlers.TimelineAsync(context, id))
            .Named("getTimeline").WithSummary("Show what happened to an instance, oldest first: calls with their agents, attempts, tokens, cost and errors; answers, children, and what was done to it")
            .Produces<InstanceTimeline>().Problems(RouteProblems.Read)
            .WithMetadata(
                Query("from", JsonSchemaType.Integer, "How many steps are left out at the beginning. Default 0."),
                Query("top", JsonSchemaType.Integer, "The maximum number of steps: 1 to 10,000, default 1,000."));
        group.MapGet("/{id}/stream", (HttpContext context, string id, InstanceHandlers handlers) => handlers.StreamAsync(context, id))
            .Named("streamInstance").WithSummary("Follow an instance by server-sent events: history, status, end")
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream").Produces(StatusCodes.Status204NoContent).Problems(RouteProblems.Read)
            .WithMetadata(HistoryPayloads, Header("Last-Event-ID", "The id of the last event seen; later events are sent."));
    }

    private static void MapManagement(RouteGroupBuilder group)
    {
        group.MapPost("/events/{name}", (HttpContext context, string id, string name, ManageHandlers handlers) => handlers.RaiseEventAsync(context, id, name))
            .Named("raiseEvent").WithSummary("Send an event, such as a person's answer; the body is its payload")
            .Accepts<JsonElement>(isOptional: true, "application/json")
            .Produces(StatusCodes.Status202Accepted).Problems(RouteProblems.Event);
        group.MapPost("/suspend", (HttpContext context, string id, ManageHandlers handlers) => handlers.SuspendAsync(context, id))
            .Named("suspend").WithSummary("Halt an instance").Acts(RouteProblems.Act);
        group.MapPost("/resume", (HttpContext context, string id, ManageHandlers handlers) => handlers.ResumeAsync(context, id))
            .Named("resume").WithSummary("Resume a suspended instance").Acts(RouteProblems.Act);
        group.MapPost("/terminate", (HttpContext context, string id, ManageHandlers handlers) => handlers.TerminateAsync(context, id))
            .Named("terminate").WithSummary("End an instance").Acts(RouteProblems.Terminate);
        group.MapPost("/rewind", (HttpContext context, string id, ManageHandlers handlers) => handlers.RewindAsync(context, id))
            .Named("rewind").WithSummary("Run what failed again").Acts(RouteProblems.Rewind);
        group.MapPost("/restart", (HttpContext context, string id, ManageHandlers handlers) => handlers.RestartAsync(context, id))
            .Named("restart").WithSummary("Start another instance with the same workflow and input")
            .Produces<InstanceLinks>(StatusCodes.Status202Accepted).Problems(RouteProblems.Restart)
            .WithMetadata(Query("newInstanceId", JsonSchemaType.String, "The new instance's id. Default: a new one."));
        group.MapDelete("", (HttpContext context, string id, ManageHandlers handlers) => handlers.PurgeAsync(context, id))
            .Named("purge").WithSummary("Remove a finished instance").Produces<PurgeResult>().Problems(RouteProblems.Purge);
    }

    private static void MapTopics(RouteGroupBuilder group)
    {
        group.MapGet("/topics", (HttpContext context, TopicHandlers handlers) => handlers.ListAsync(context))
            .Named("listTopics").WithSummary("List the topics that workflows subscribe to").Produces<List<TopicSubscription>>().Problems(RouteProblems.Workflows);
        group.MapPost("/topics/{type}/{source}/messages", (HttpContext context, string type, string source, TopicHandlers handlers) => handlers.PublishAsync(context, type, source))
            .Named("publishMessage").WithSummary("Publish a message: handled once by each subscriber, in order per source")
            .Accepts<PublishMessage>("application/json")
            .Produces<MessageStatus>(StatusCodes.Status202Accepted).Produces<MessageStatus>().Problems(RouteProblems.Publish)
            .WithMetadata(Handled);
        group.MapPost("/sessions/{agent}/{id}/messages", (HttpContext context, string agent, string id, TopicHandlers handlers) => handlers.SayAsync(context, agent, id))
            .Named("sayInSession").WithSummary("Say something to an agent, and wait for its reply")
            .Accepts<PublishMessage>("application/json")
            .Produces<MessageStatus>(StatusCodes.Status202Accepted).Produces<MessageStatus>().Problems(RouteProblems.Say)
            .WithMetadata(Query("wait", JsonSchemaType.Integer, "Seconds, 0 to 60: how long the reply is waited for. Default 60."));
        group.MapGet("/sessions/{agent}/{id}", (HttpContext context, string agent, string id, TopicHandlers handlers) => handlers.SessionAsync(context, agent, id))
            .Named("getSession").WithSummary("Show what was said in a session").Produces<SessionStatus>().Problems(RouteProblems.Session);
        group.MapGet("/mailboxes", (HttpContext context, TopicHandlers handlers) => handlers.ListMailboxesAsync(context))
            .Named("listMailboxes").WithSummary("List mailboxes, newest first").Produces<List<Mailbox>>().Problems(RouteProblems.List)
            .WithMetadata(
                Query("topic", JsonSchemaType.String, "The topic type."),
                Query("top", JsonSchemaType.Integer, "How many mailboxes to look at: 1 to 1,000, default 100."),
                Continuation);
        group.MapGet("/mailboxes/{id}", (HttpContext context, string id, TopicHandlers handlers) => handlers.GetMailboxAsync(context, id))
            .Named("getMailbox").WithSummary("Show a mailbox: its depth, its state, what it is handling").Produces<Mailbox>().Problems(RouteProblems.Mailbox);
        group.MapGet("/mailboxes/{id}/dead-letters", (HttpContext context, string id, TopicHandlers handlers) => handlers.DeadLettersAsync(context, id))
            .Named("listDeadLetters").WithSummary("List the messages that could not be handled").Produces<List<DeadMessage>>().Problems(RouteProblems.Mailbox);
        group.MapPost("/mailboxes/{id}/dead-letters/{number}/replay", (HttpContext context, string id, string number, TopicHandlers handlers) => handlers.ReplayAsync(context, id, number))
            .Named("replayDeadLetter").WithSummary("Send a dead letter to its mailbox again")
            .Produces(StatusCodes.Status202Accepted).Problems(RouteProblems.DeadLetter);
        group.MapDelete("/mailboxes/{id}/dead-letters/{number}", (HttpContext context, string id, string number, TopicHandlers handlers) => handlers.DropAsync(context, id, number))
            .Named("dropDeadLetter").WithSummary("Remove a dead letter for good")
            .Produces(StatusCodes.Status202Accepted).Problems(RouteProblems.DeadLetter);
    }

    private static void MapSchedules(RouteGroupBuilder group)
    {
        group.MapGet("", (HttpContext context, ScheduleHandlers handlers) => handlers.ListAsync(context))
            .Named("listSchedules").WithSummary("List the schedules of workflows, and what they started last").Produces<List<ScheduleSummary>>().Problems(RouteProblems.Schedules);
        group.MapGet("/{workflow}/{name}", (HttpContext context, string workflow, string name, ScheduleHandlers handlers) => handlers.GetAsync(context, workflow, name))
            .Named("getSchedule").WithSummary("Show a schedule").Produces<ScheduleSummary>().Problems(RouteProblems.Schedule);
        group.MapPost("/{workflow}/{name}/pause", (HttpContext context, string workflow, string name, ScheduleHandlers handlers) => handlers.PauseAsync(context, workflow, name))
            .Named("pauseSchedule").WithSummary("Start nothing of a schedule until it is resumed").Produces(StatusCodes.Status202Accepted).Problems(RouteProblems.ActOnSchedule);
        group.MapPost("/{workflow}/{name}/resume", (HttpContext context, string workflow, string name, ScheduleHandlers handlers) => handlers.ResumeAsync(context, workflow, name))
            .Named("resumeSchedule").WithSummary("Let a paused schedule go on with its next due time").Produces(StatusCodes.Status202Accepted).Problems(RouteProblems.ActOnSchedule);
    }

    // No endpoint name: those are one for all of an app, whose own routes may have the same.
    private static RouteHandlerBuilder Named(this RouteHandlerBuilder route, string operation) => route.WithMetadata(new OperationName(operation));

    private static RouteHandlerBuilder Acts(this RouteHandlerBuilder route, RouteProblems problems) =>
        route.Produces(StatusCodes.Status202Accepted).Problems(problems).WithMetadata(Reason);

    private static RouteHandlerBuilder Problems(this RouteHandlerBuilder route, RouteProblems problems)
    {
        foreach (var status in problems.Problems.Select(problem => problem.Status).Distinct().Order())
        {
            route.Produces<ProblemDocument>(status);
        }

        return route.WithMetadata(problems);
    }

    private static DescribedParameter Query(string name, JsonSchemaType type, string description) => new(name, type, description);

    private static DescribedParameter Header(string name, string description) => new(name, JsonSchemaType.String, description, Header: true);
}
