using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Polyphony.Architecture.Tests;

/// <summary>Event ids of log messages: a range per project, none used twice.</summary>
public sealed class LogEventTests
{
    private static readonly Dictionary<string, (int First, int Last)> Ranges = new(StringComparer.Ordinal)
    {
        ["Core"] = (1000, 1999),
        ["Engine"] = (2000, 2999),
        ["Activities"] = (3000, 3999),
        ["Http"] = (4000, 4999),
        ["Cli"] = (5000, 5999),
        ["DurableFunctions"] = (6000, 6999),
        ["Hosting"] = (7000, 7999),
    };

    [Fact]
    public void EventIds_OfLoggerMessages_AreUniqueAndInTheProjectsRange()
    {
        var messages = Tree.ProductAssemblies
            .SelectMany(pair => pair.Value.GetTypes()
                .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                .Select(method => (Project: pair.Key, Method: $"{method.DeclaringType}.{method.Name}", Id: method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId))
                .Where(message => message.Id is not null))
            .ToList();

        Assert.DoesNotContain(messages, message => message.Id < Ranges[message.Project].First || message.Id > Ranges[message.Project].Last);
        Assert.Empty(messages.GroupBy(message => message.Id).Where(group => group.Count() > 1).Select(group => string.Join(", ", group)));
    }
}
