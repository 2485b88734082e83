using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Polyphony.Activities.Apps;
using Polyphony.Core.Definitions;

namespace Polyphony.Hosting.Tests;

/// <summary>Tools of an app: classes from its services, and functions.</summary>
[Trait("Row", "H15")]
public sealed class ToolTests : IDisposable
{
    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task Tools_OfAClass_GetServicesOfTheirOwnForEveryCall()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var counts = new Counts();
        using var host = _app.Worker(builder =>
        {
            builder.Services.AddSingleton(counts);
            builder.Services.AddScoped<Scoped>();
            builder.AddPolyphony(options => options.InMemory = true).AddTool<Orders>().AddWorkflow(Calls("find_order", """{"id":7}"""));
        });
        await host.StartAsync(cancellationToken);

        var first = await TestApp.RunAsync(host, "calls", "{}");
        await TestApp.RunAsync(host, "calls", "{}");

        Assert.Equal("order 7", Answer(first.Output!));
        Assert.Equal((2, 2, 2), (counts.Made, counts.Disposed, counts.SharedInACall));
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Tools_OfASingletonClass_ShareIt()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var counts = new Counts();
        using (var host = _app.Worker(builder =>
        {
            builder.Services.AddSingleton(counts);
            builder.Services.AddSingleton<Meter>();
            builder.AddPolyphony(options => options.InMemory = true).AddTool<Meter>().AddWorkflow(Calls("next", "{}"));
        }))
        {
            await host.StartAsync(cancellationToken);
            await TestApp.RunAsync(host, "calls", "{}");

            Assert.Equal("2", Answer((await TestApp.RunAsync(host, "calls", "{}")).Output!));
            Assert.Equal(0, counts.Disposed);
            await host.StopAsync(cancellationToken);
        }

        Assert.Equal(1, counts.Disposed);
    }

    [Fact]
    public async Task Tool_ThatIsAFunction_SeesTheServicesOfItsCall()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var function = AIFunctionFactory.Create((string name, IServiceProvider services) => $"{name}: {services.GetRequiredService<Counts>().Made}", "ask");
        using var host = _app.Worker(builder =>
        {
            builder.Services.AddScoped<Counts>();
            builder.AddPolyphony(options => options.InMemory = true).AddTool(function).AddWorkflow(Calls("ask", """{"name":"made"}"""));
        });
        await host.StartAsync(cancellationToken);

        Assert.Equal("made: 0", Answer((await TestApp.RunAsync(host, "calls", "{}")).Output!));
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Start_ToolsOfOneName_AreRefused()
    {
        using var host = _app.Worker(builder => builder.AddPolyphony()
            .AddTool(AIFunctionFactory.Create(() => 1, "read_file"))
            .AddTool(AIFunctionFactory.Create(() => 1, "mine"))
            .AddTool(AIFunctionFactory.Create(() => 2, "mine")));

        var invalid = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(
            ["There are two tools named \"read_file\". Give one of them another name.", "There are two tools named \"mine\". Give one of them another name."], invalid.Failures);
    }

    [Theory]
    [InlineData(typeof(Undescribed), "none of its public methods has a [Description]")]
    [InlineData(typeof(Generic), "is generic, so it can't be a tool")]
    [InlineData(typeof(Overloaded), "2 methods that give the tool \"find\"")]
    public void AddTool_ClassWithoutUsableTools_IsRefusedAtOnce(Type type, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => ToolClass.Functions(type)).Message, StringComparison.Ordinal);

    [Fact]
    public void Tools_OfAClass_AreNamedAndDescribed()
    {
        var tools = ToolClass.Functions(typeof(Orders));

        Assert.Equal(["find_order: Finds an order.", "orders-open: Counts open orders."], tools.Select(tool => $"{tool.Name}: {tool.Description}").Order(StringComparer.Ordinal));
        Assert.Equal("""{"id":{"description":"Its number.","type":"integer"}}""", tools.Single(tool => tool.Name == "find_order").JsonSchema.GetProperty("properties").GetRawText().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal).Replace("Itsnumber.", "Its number.", StringComparison.Ordinal));
    }

    private static WorkflowDefinition Calls(string tool, string arguments) =>
        new WorkflowBuilder("calls").ToolNode("call", tool, JsonNode.Parse(arguments)!.AsObject()).Output("{{ nodes.call.output }}").Build();

    private static string Answer(string output) => Find(JsonElement.Parse(output))!;

    private static string? Find(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.GetProperty("output") is var inner && inner.TryGetProperty("json", out var value) ? value.ToString() : inner.ToString(),
        _ => json.ToString(),
    };

    private sealed class Counts
    {
        private int _made;
        private int _disposed;
        private int _shared;

        public int Made => _made;

        public int Disposed => _disposed;

        public int SharedInACall => _shared;

        public void Make() => Interlocked.Increment(ref _made);

        public void Dispose() => Interlocked.Increment(ref _disposed);

        public void Share() => Interlocked.Increment(ref _shared);
    }

    private sealed class Scoped(Counts counts) : IDisposable
    {
        public void Dispose() => counts.Dispose();
    }

    private sealed class Orders
    {
        private readonly Counts _counts;
        private readonly Scoped _scoped;

        public Orders(Counts counts, Scoped scoped)
        {
            counts.Make();
            (_counts, _scoped) = (counts, scoped);
        }

        [Description("Finds an order.")]
        public Task<string> FindOrderAsync([Description("Its number.")] int id, IServiceProvider services, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ReferenceEquals(services.GetRequiredService<Scoped>(), _scoped))
            {
                _counts.Share();
            }

            return Task.FromResult($"order {id}");
        }

        [Description("Counts open orders.")]
        [DisplayName("orders-open")]
        public static int Count() => 0;

        public void Forget()
        {
            // No tool: nothing describes it.
        }
    }

    private sealed class Meter(Counts counts) : IDisposable
    {
        private int _last;

        [Description("Counts.")]
        public int Next() => Interlocked.Increment(ref _last);

        public void Dispose() => counts.Dispose();
    }

    private sealed class Undescribed
    {
        public int One() => 1;
    }

    private sealed class Generic
    {
        [Description("Returns it.")]
        public T Same<T>(T value) => value;
    }

    private sealed class Overloaded
    {
        [Description("Finds.")]
        public int Find(int id) => id;

        [Description("Finds.")]
        public Task<string> FindAsync(string name) => Task.FromResult(name);
    }
}
