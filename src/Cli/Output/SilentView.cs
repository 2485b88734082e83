using Polyphony.Http.Instances;

namespace Polyphony.Cli.Output;

/// <summary>Shows nothing but what must be said.</summary>
internal sealed class SilentView : IProgressView
{
    public void Show(InstanceStatus status)
    {
    }

    public void Say(string text) => Console.Error.WriteLine(text);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
