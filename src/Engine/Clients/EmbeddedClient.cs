using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Clients;

/// <summary>The client of the embedded engine.</summary>
internal sealed partial class EmbeddedClient(Kernel kernel) : DurableClient
{
    private const int MaxTags = 20;
    private const int MaxTagNameLength = 100;
    private const int MaxTagValueLength = 200;

    public override void CheckWritable() => kernel.CheckRoom();

    public override async Task<string> StartAsync(
        string name, string? input, StartOrchestrationOptions? options = null, CancellationToken cancellationToken = default)
    {
        kernel.CheckRegistered(name);
        DurableLimits.CheckPayload(input, $"input of orchestration \"{name}\"");
        CheckTags(options?.Tags);
        var id = options?.InstanceId ?? kernel.Options.NewId();
        InstanceIds.Check(id);
        var start = new ExecutionStarted(name, input, StartAt: options?.StartAt?.ToUniversalTime(), Tags: options?.Tags);
        kernel.CheckRoom();
        var record = new StartRecord(kernel, new NewInstance(id, start, kernel.Clock.GetUtcNow()), options?.Admission);
        kernel.Enqueue(record);
        await record.WaitAsync(cancellationToken);
        return id;
    }

    public override Task RaiseEventAsync(string instanceId, string eventName, string? payload, CancellationToken cancellationToken = default)
    {
        DurableLimits.CheckPayload(payload, $"payload of event \"{eventName}\"");
        return PostAsync(instanceId, "raise an event for", done => new Message { Event = new EventRaised(eventName, payload), Done = done }, cancellationToken);
    }

    public override Task SuspendAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) =>
        PostAsync(instanceId, "suspend", done => new Message { Request = Request.Suspend, Text = reason, Done = done }, cancellationToken);

    public override Task ResumeAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) =>
        PostAsync(instanceId, "resume", done => new Message { Request = Request.Resume, Text = reason, Done = done }, cancellationToken);

    public override Task TerminateAsync(string instanceId, string? output = null, CancellationToken cancellationToken = default)
    {
        DurableLimits.CheckPayload(output, "output");
        return PostAsync(instanceId, "terminate", done => new Message { Request = Request.Terminate, Text = output, Done = done }, cancellationToken);
    }

    public override async Task<string> RestartAsync(string instanceId, string? newInstanceId = null, CancellationToken cancellationToken = default)
    {
        var old = await GetAsync(instanceId, fetchInputsAndOutputs: true, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);
        if (!old.IsFinished)
        {
            throw new InvalidInstanceStatusException(instanceId, old.RuntimeStatus, "restart", "Wait for its end, or terminate it first.");
        }

        return await StartAsync(old.Name, old.Input, new StartOrchestrationOptions { InstanceId = newInstanceId, Tags = old.Tags }, cancellationToken);
    }

    public override async Task RewindAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default)
    {
        var record = DamagedInstances.Read(instanceId, () => Rewind.Plan(kernel, instanceId, reason));
        kernel.CheckRoom();
        kernel.Enqueue(record);
        await record.WaitAsync(cancellationToken);
    }

    public override async Task<int> PurgeAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        DamagedInstances.Read(instanceId, () => kernel.Store.Read(reader =>
        {
            PurgeRecord.Probe(reader, instanceId);
            return true;
        }));
        kernel.CheckRoom();
        var record = new PurgeRecord(kernel, instanceId);
        kernel.Enqueue(record);
        return await record.WaitAsync(cancellationToken);
    }

    public override async Task SignalEntityAsync(EntityId entity, string operation, string? input, CancellationToken cancellationToken = default)
    {
        EntityIds.Check(entity);
        DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of entity \"{entity}\"");
        if (!kernel.Registry.Entities.ContainsKey(entity.Name))
        {
            throw new PolyphonyException("unknown_entity", $"No entity \"{entity.Name}\" is registered on this host. Register it, or correct the name.");
        }

        kernel.CheckRoom();
        var record = new SignalRecord(kernel, entity.ToString(), new EntityMessage(operation, input));
        kernel.Enqueue(record);
        await record.WaitAsync(cancellationToken);
    }

    public override Task<string?> GetEntityStateAsync(EntityId entity, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        EntityIds.Check(entity);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(kernel.Store.Read(reader => reader.ReadEntity(entity.ToString())));
    }

    private static void CheckTags(IReadOnlyDictionary<string, string>? tags)
    {
        if (tags is null)
        {
            return;
        }

        var tooLong = tags.Where(tag => tag.Key.Length > MaxTagNameLength || tag.Value.Length > MaxTagValueLength).Select(tag => $"\"{tag.Key}\"").ToList();
        if (tags.Count > MaxTags || tooLong.Count > 0)
        {
            throw new PolyphonyException(
                "invalid_tags",
                $"An instance has at most {MaxTags} tags, with names up to {MaxTagNameLength} and values up to {MaxTagValueLength} characters; " +
                $"found: {tags.Count} tags, too long: {(tooLong.Count == 0 ? "none" : string.Join(", ", tooLong))}.");
        }
    }

    private async Task PostAsync(string instanceId, string asked, Func<TaskCompletionSource, Message> make, CancellationToken cancellationToken)
    {
        CheckRunning();
        if (!kernel.Instances.TryGetValue(instanceId, out var instance) || !instance.Visible)
        {
            kernel.Damaged.Check(instanceId);
            var row = DamagedInstances.Read(instanceId, () => kernel.Store.Read(reader => reader.FindInstance(instanceId))) ?? throw new InstanceNotFoundException(instanceId);
            if (row.Completed is not null)
            {
                throw new InvalidInstanceStatusException(
                    instanceId, (OrchestrationRuntimeStatus)row.Status, asked, "It has finished and takes nothing more; restart it to run it again.");
            }

            // It was committed a moment ago, and is about to be let loose.
            if (!kernel.Instances.TryGetValue(instanceId, out instance))
            {
                throw new InstanceNotFoundException(instanceId);
            }
        }

        kernel.CheckRoom();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        instance.Post(make(done));
        await done.Task.WaitAsync(cancellationToken);
    }

    private void CheckRunning()
    {
        if (kernel.Stop.IsStopped)
        {
            throw kernel.Stop.MakeError();
        }
    }
}
