using System.CommandLine;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Ledger;
using Polyphony.Http.Ledger;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Commands;

/// <summary><c>usage</c>: what model calls have used and cost, of all runs or of one. Nothing is set going by it.</summary>
internal static class UsageCommand
{
    public static Command Create(CommonOptions common)
    {
        var id = new Argument<string?>("ID") { Description = "A run: list its calls. Default: sums over all runs.", Arity = ArgumentArity.ZeroOrOne };
        var from = new Option<string?>("--from") { Description = "The first day (UTC). Default: 29 days before --to.", HelpName = "YYYY-MM-DD" };
        var to = new Option<string?>("--to") { Description = "The last day. Default: today.", HelpName = "YYYY-MM-DD" };
        var by = new Option<string[]>("--by") { Description = "What rows are of: day, workflow, agent, provider, model, or several of them. Default: a chart by day, and tables by workflow, agent and model.", HelpName = "COLUMN", AllowMultipleArgumentsPerToken = true };
        var workflow = new Option<string?>("--workflow") { Description = "Only runs of this workflow.", HelpName = "NAME" };
        var agent = new Option<string?>("--agent") { Description = "Only calls of this agent.", HelpName = "NAME" };
        var model = new Option<string?>("--model") { Description = "Only calls of this model, by the provider's name.", HelpName = "NAME" };
        var unsettled = new Option<bool>("--unsettled") { Description = "List the calls that were begun and never settled." };
        var csv = new Option<bool>("--csv") { Description = "Print comma-separated values, and nothing else, on stdout." };
        var command = new Command("usage", "Show what model calls have used and cost") { id, from, to, by, workflow, agent, model, unsettled, csv, common.Json };
        command.Validators.Add(result =>
        {
            Option[] ofSums = [from, to, by, workflow, agent, model, csv];
            var given = ofSums.Where(option => result.GetResult(option) is { Implicit: false }).Select(option => option.Name).ToList();
            var isOne = result.GetValue(id) is not null;
            if ((isOne || result.GetValue(unsettled)) && given.Count > 0)
            {
                result.AddError($"{string.Join(", ", given)}: for sums only, not with {(isOne ? "the ID of a run" : unsettled.Name)}.");
            }

            if (isOne && result.GetValue(unsettled))
            {
                result.AddError("Give the ID of a run or --unsettled, not both.");
            }

            if (result.GetValue(csv) && result.GetValue(common.Json))
            {
                result.AddError("Give --csv or --json, not both.");
            }
        });
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            var json = parsed.GetValue(common.Json);
            var columns = (parsed.GetValue(by) ?? []).SelectMany(each => each.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToList();
            (string Name, string? Value)[] filters =
                [("from", parsed.GetValue(from)), ("to", parsed.GetValue(to)), ("workflow", parsed.GetValue(workflow)), ("agent", parsed.GetValue(agent)), ("model", parsed.GetValue(model))];
            var query = string.Join('&', filters.Where(each => each.Value is not null).Select(each => $"{each.Name}={Uri.EscapeDataString(each.Value!)}"));
            return CommandLine.GuardAsync(settings, async cancellationToken =>
            {
                // Looking must not set anything going, so without a host the data is opened with everything standing still.
                await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
                await (parsed.GetValue(id) is { } run ? WriteCallsAsync(await session.Client.CallsAsync(run, cancellationToken), run, $"No calls are recorded for {run}.", json)
                    : parsed.GetValue(unsettled) ? WriteCallsAsync(await session.Client.UnsettledAsync(cancellationToken), null, "Every call that was begun is settled.", json)
                    : parsed.GetValue(csv) ? WriteCsvAsync(session.Client, Query(query, columns.Count == 0 ? UsageColumns.All : columns), cancellationToken)
                    : WriteSumsAsync(session.Client, query, columns, json, settings, cancellationToken));
                return ExitCodes.Completed;
            });
        });
        return command;
    }

    private static string Query(string query, IEnumerable<string> by) => $"{query}&by={Uri.EscapeDataString(string.Join(',', by))}";

    private static async Task WriteCsvAsync(HostClient client, string query, CancellationToken cancellationToken) =>
        await Console.Out.WriteAsync(await client.UsageCsvAsync(query, cancellationToken));

    private static async Task WriteSumsAsync(HostClient client, string query, IReadOnlyList<string> columns, bool json, CliSettings settings, CancellationToken cancellationToken)
    {
        if (json)
        {
            await Console.Out.WriteLineAsync(JsonText.Of(await client.UsageAsync(Query(query, columns), cancellationToken), HttpJsonContext.Default.UsageReport));
            return;
        }

        IReadOnlyList<string>[] tables = columns.Count > 0 ? [columns] : [[UsageColumns.Day], [UsageColumns.Workflow], [UsageColumns.Agent], [UsageColumns.Provider, UsageColumns.Model]];
        var reports = new List<UsageReport>();
        foreach (var table in tables)
        {
            reports.Add(await client.UsageAsync(Query(query, table), cancellationToken));
        }

        await Console.Out.WriteLineAsync(UsageText.Report(reports, settings.Command));
    }

    private static async Task WriteCallsAsync(List<RecordedCall> calls, string? run, string none, bool json) => await Console.Out.WriteLineAsync(
        json ? JsonText.Of(calls, HttpJsonContext.Default.ListRecordedCall)
        : calls.Count == 0 ? none
        : UsageText.Calls(calls, run));
}
