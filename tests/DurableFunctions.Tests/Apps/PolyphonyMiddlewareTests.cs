using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Context.Features;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Tests.Durable;
using Polyphony.DurableFunctions.Triggers;

namespace Polyphony.DurableFunctions.Tests.Apps;

/// <summary>The app's own functions give Polyphony the task hub's client, and links name the prefix of the app.</summary>
[Trait("Row", "H16")]
public sealed class PolyphonyMiddlewareTests
{
    private static readonly string OurEntryPoint = $"{typeof(InstanceTriggers).FullName}.GetAsync";

    // After a restart of the host, the clients from before lead nowhere.
    [Fact]
    public async Task Invoke_FunctionsWithAClient_GiveTheirsToPolyphonyBeforeTheyRun()
    {
        var source = new DurableClientSource();
        await using FakeDurableClient first = new(), second = new();

        await Invoke(source, "", new Invocation("App.Orders.Ask", "durableClient", new Inputs("A17", first)), () => Assert.Same(first, source.Client));
        await Invoke(source, "", new Invocation(OurEntryPoint, "durableClient", new Inputs("A17", second)), () => Assert.Same(second, source.Client));
    }

    [Fact]
    public async Task Invoke_FunctionWithoutAClient_BindsNothing()
    {
        var source = new DurableClientSource();
        var inputs = new Inputs("A17");

        await Invoke(source, "", new Invocation("App.Orders.Get", "httpTrigger", inputs), () => { });

        Assert.Equal(0, inputs.Bound);
        Assert.Contains("[DurableClient]", Assert.Throws<InvalidOperationException>(() => source.Client).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1", true, "/v1/api/instances/a", "/v1", "/api/instances/a")]
    [InlineData("v1/api", true, "/v1/api/instances/a", "/v1", "/api/instances/a")]
    [InlineData("api", true, "/api/instances/a", "", "/api/instances/a")]
    [InlineData("v1", false, "/v1/api/instances/a", "", "/v1/api/instances/a")]
    public async Task Invoke_BelowAPrefix_IsThePathBaseOfPolyphonysFunctions(string prefix, bool isOurs, string path, string pathBase, string rest)
    {
        var http = new DefaultHttpContext();
        http.Request.Path = path;
        var context = new Invocation(isOurs ? OurEntryPoint : "App.Orders.Get", "httpTrigger", null);
        context.Items["HttpRequestContext"] = http;

        await Invoke(new DurableClientSource(), prefix, context, () => { });

        Assert.Equal((pathBase, rest), (http.Request.PathBase.Value, http.Request.Path.Value));
    }

    private static Task Invoke(DurableClientSource source, string prefix, FunctionContext context, Action next)
    {
        var settings = AppSettings.Resolve(AppSettings.Read([]), $$"""{ "extensions": { "http": { "routePrefix": "{{prefix}}" }, "durableTask": { "hubName": "hub" } } }""");
        return new PolyphonyMiddleware(settings, source).Invoke(context, _ =>
        {
            next();
            return Task.CompletedTask;
        });
    }

    private sealed class Inputs(params object?[] values) : IFunctionInputBindingFeature
    {
        public int Bound { get; private set; }

        public ValueTask<FunctionInputBindingResult> BindFunctionInputAsync(FunctionContext context)
        {
            Bound++;
            return ValueTask.FromResult(new FunctionInputBindingResult(values));
        }
    }

    private sealed class Binding(string type) : BindingMetadata
    {
        public override string Name => "binding";

        public override string Type => type;

        public override BindingDirection Direction => BindingDirection.In;
    }

    private sealed class Definition(string entryPoint, string binding) : FunctionDefinition
    {
        public override ImmutableArray<FunctionParameter> Parameters => [];

        public override string PathToAssembly => "app.dll";

        public override string EntryPoint => entryPoint;

        public override string Id => "1";

        public override string Name => "function";

        public override IImmutableDictionary<string, BindingMetadata> InputBindings { get; } = ImmutableDictionary<string, BindingMetadata>.Empty.Add("binding", new Binding(binding));

        public override IImmutableDictionary<string, BindingMetadata> OutputBindings => ImmutableDictionary<string, BindingMetadata>.Empty;
    }

    private sealed class Invocation(string entryPoint, string binding, IFunctionInputBindingFeature? inputs) : FunctionContext, IInvocationFeatures
    {
        public override string InvocationId => "1";

        public override string FunctionId => "1";

        public override TraceContext TraceContext => throw new NotSupportedException();

        public override BindingContext BindingContext => throw new NotSupportedException();

        public override RetryContext RetryContext => throw new NotSupportedException();

        public override IServiceProvider InstanceServices { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override FunctionDefinition FunctionDefinition { get; } = new Definition(entryPoint, binding);

        public override IDictionary<object, object> Items { get; set; } = new Dictionary<object, object>();

        public override IInvocationFeatures Features => this;

        public void Set<T>(T instance) => throw new NotSupportedException();

        public T? Get<T>() => inputs is T feature ? feature : default;

        public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => throw new NotSupportedException();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
