namespace Polyphony.Core.Nodes.Teams;

/// <summary>What a team's manager, and whoever summarises, is asked. Templates; <c>members</c> lists the members by name and description.</summary>
internal static class ManagerPrompts
{
    private const string Task = """
        The team's task:
        {{ task }}

        The members of the team:
        {{ members }}


        """;

    public const string Select = Task + """
        The messages before this one are what the members have said so far. Whose turn is it now?
        """;

    public const string SelectAnother = Task + """
        The messages before this one are what the members have said so far. Whose turn is it now? Not {{ last }}, who has just spoken.
        """;

    public const string Plan = Task + """
        Make a plan: what is known, what has to be found out, and who does what. Then say whose turn it is, and what that member is to do.
        """;

    public const string Summarize = """
        The messages before this one belong to a conversation on this task:
        {{ task }}

        Summarise them for those who go on with it: what was found, decided, refused and left open, and by whom. Leave nothing out that they need; they will not see the messages.
        """;

    public const string GoOn = Task + """
        The plan:
        {{ plan }}

        The messages before this one are what was said so far. Is the task done? Then give the answer. Otherwise: did the last turn bring it forward, whose turn is it now, and what is that member to do?
        Leave the plan empty unless it has to change.
        """;

    public const string Replan = Task + """
        The plan so far:
        {{ plan }}

        The messages before this one are what was said so far. It does not lead on. Say what went wrong, and make a new plan that avoids it: what is known, what has to be found out, and who does what. Then say whose turn it is, and what that member is to do.
        """;
}
