using System.Reflection;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Polyphony.Core.Definitions;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Tests.Apps;
using Polyphony.TestKit.Workflows;

namespace Polyphony.DurableFunctions.Tests.Starts;

/// <summary>Triggers are on by their settings, and settings that don't fit together are refused, all at once.</summary>
[Trait("Row", "H17")]
public sealed class StartSettingsTests
{
    private const string LongestQueue = "q23456789-123456789-123456789-123456789-123456789-123456";

    [Theory]
    [InlineData("", "")]
    [InlineData("POLYPHONY_QUEUE=", "")]
    [InlineData("POLYPHONY_QUEUE=starts", "polyphony-start-from-queue")]
    [InlineData("POLYPHONY_QUEUE=starts;POLYPHONY_QUEUE_WORKFLOW=hello", "polyphony-start-from-queue")]
    [InlineData("POLYPHONY_QUEUE=" + LongestQueue, "polyphony-start-from-queue")]
    [InlineData("POLYPHONY_BLOBS=inbox;POLYPHONY_BLOBS_WORKFLOW=hello", "polyphony-start-from-blob")]
    [InlineData("POLYPHONY_BLOBS=inbox/new/in;POLYPHONY_BLOBS_WORKFLOW=hello;POLYPHONY_BLOBS_SOURCE=EventGrid", "polyphony-start-from-blob")]
    [InlineData("POLYPHONY_QUEUE=starts;POLYPHONY_BLOBS=inbox;POLYPHONY_BLOBS_WORKFLOW=hello;POLYPHONY_BLOBS_SOURCE=LogsAndContainerScan", "polyphony-start-from-blob-scan,polyphony-start-from-queue")]
    public void Functions_ThatTheHostKnows_AreThoseOfTheSettings(string settings, string expected)
    {
        var functions = BuiltFunctions();
        var all = functions.Select(function => function.Name!).ToList();
        Assert.Superset(new HashSet<string> { "polyphony-start-from-blob", "polyphony-start-from-blob-scan", "polyphony-start-from-queue" }, all.ToHashSet());

        new FunctionIndex(AppSettings.Resolve(AppSettings.Read([.. Split(settings)])), new MapCatalog(Scheduled)).Transform(functions);

        Assert.Equal(expected, string.Join(',', functions.Select(function => function.Name!).Where(name => name.StartsWith("polyphony-start-from-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)));
        Assert.Equal(all.Where(name => !name.StartsWith("polyphony-start-from-", StringComparison.Ordinal)), functions.Select(function => function.Name!).Where(name => !name.StartsWith("polyphony-start-from-", StringComparison.Ordinal)));
    }

    // It would wake the app for nothing.
    [Fact]
    [Trait("Row", "O15")]
    public void Timer_OfSchedules_IsThereIfAWorkflowHasOne()
    {
        var settings = AppSettings.Resolve(AppSettings.Read([.. Split("")]));
        var (with, without) = (BuiltFunctions(), BuiltFunctions());

        new FunctionIndex(settings, new MapCatalog(new WorkflowBuilder("other").TransformNode("a", 1).Build(), Scheduled)).Transform(with);
        new FunctionIndex(settings, new MapCatalog(new WorkflowBuilder("other").TransformNode("a", 1).Build())).Transform(without);

        Assert.Equal(["polyphony-keep-schedules"], with.Select(function => function.Name).Except(without.Select(function => function.Name)));
    }

    [Fact]
    public void HostJson_OfTheApp_HandsMessagesOnAsTheyWereSent()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")));

        // In any other encoding the host moves what does not fit it to the poison queue, before the app can read it.
        Assert.Equal("none", host.RootElement.GetProperty("extensions").GetProperty("queues").GetProperty("messageEncoding").GetString());
    }

    [Theory]
    [InlineData("POLYPHONY_QUEUE_WORKFLOW=hello", "POLYPHONY_QUEUE_WORKFLOW is set, POLYPHONY_QUEUE is not")]
    [InlineData("POLYPHONY_QUEUE=Starts", "POLYPHONY_QUEUE is \"Starts\"; expected the name of a queue: 3 to 56 lower-case letters")]
    [InlineData("POLYPHONY_QUEUE=ab", "POLYPHONY_QUEUE is \"ab\"")]
    [InlineData("POLYPHONY_QUEUE=a--b", "POLYPHONY_QUEUE is \"a--b\"")]
    [InlineData("POLYPHONY_QUEUE=starts-poison", "not ending with -poison")]
    [InlineData("POLYPHONY_QUEUE=" + LongestQueue + "7", "POLYPHONY_QUEUE is \"q")]
    [InlineData("POLYPHONY_BLOBS=inbox", "POLYPHONY_BLOBS is set, POLYPHONY_BLOBS_WORKFLOW is not")]
    [InlineData("POLYPHONY_BLOBS_WORKFLOW=hello", "POLYPHONY_BLOBS_WORKFLOW is set, POLYPHONY_BLOBS is not")]
    [InlineData("POLYPHONY_BLOBS_SOURCE=EventGrid", "POLYPHONY_BLOBS_SOURCE is set, POLYPHONY_BLOBS is not")]
    [InlineData("POLYPHONY_BLOBS=inbox;POLYPHONY_BLOBS_WORKFLOW=hello;POLYPHONY_BLOBS_SOURCE=1", "POLYPHONY_BLOBS_SOURCE is \"1\"; expected EventGrid or LogsAndContainerScan.")]
    [InlineData("POLYPHONY_BLOBS=inbox/;POLYPHONY_BLOBS_WORKFLOW=hello", "POLYPHONY_BLOBS is \"inbox/\"; expected CONTAINER or CONTAINER/FOLDER")]
    [InlineData("POLYPHONY_BLOBS=inbox/{x};POLYPHONY_BLOBS_WORKFLOW=hello", "POLYPHONY_BLOBS is \"inbox/{x}\"")]
    [InlineData("POLYPHONY_BLOBS=Inbox;POLYPHONY_BLOBS_WORKFLOW=hello", "POLYPHONY_BLOBS is \"Inbox\"")]
    [InlineData("POLYPHONY_BLOBS=hub1-polyphony/payloads;POLYPHONY_BLOBS_WORKFLOW=hello", "where the app keeps its own data")]
    [InlineData("POLYPHONY_QUEUE=A;POLYPHONY_BLOBS=B;POLYPHONY_BLOBS_SOURCE=C", "POLYPHONY_QUEUE is \"A\"", "POLYPHONY_BLOBS is \"B\"", "POLYPHONY_BLOBS_SOURCE is \"C\"", "POLYPHONY_BLOBS_WORKFLOW is not")]
    public void Read_SettingsThatDoNotFit_ListsEverything(string settings, params string[] problems)
    {
        List<string> found = [];

        AppSettings.Resolve(AppSettings.Read([.. Split(settings)]), problems: found);

        Assert.All(problems, problem => Assert.Contains(found, message => message.Contains(problem, StringComparison.Ordinal)));
    }

    private static WorkflowDefinition Scheduled => new WorkflowBuilder("scheduled").TransformNode("a", 1).Schedule("0 7 * * *").Build();

    private static IEnumerable<string> Split(string settings) => settings.Split(';', StringSplitOptions.RemoveEmptyEntries).Append("TASKHUB_NAME=Hub1");

    private static List<IFunctionMetadata> BuiltFunctions() =>
    [
        .. typeof(StartSettings).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Select(method => method.GetCustomAttribute<FunctionAttribute>())
            .OfType<FunctionAttribute>()
            .Select(function => new DefaultFunctionMetadata { Name = function.Name }),
    ];
}
