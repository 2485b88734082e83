using System.Text;
using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Ledger;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Ledger;

/// <summary>Tells what model calls have used and cost. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="timeProvider">The clock, for the days that are shown unless others are asked for.</param>
public sealed class UsageHandlers(WorkflowClient client, ILedger ledger, TimeProvider timeProvider)
{
    private const int UsualDays = 30;
    private const int MaxName = 256;

    /// <summary>GET /api/usage.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with the report, as JSON or as CSV.</returns>
    public Task<IResult> ReadAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        var query = new QueryReader(context.Request);
        var today = DateOnly.FromDateTime(timeProvider.GetUtcNow().UtcDateTime);
        var to = query.Date("to") ?? today;
        var from = query.Date("from") ?? to.AddDays(-Math.Min(UsualDays - 1, to.DayNumber));
        query.Require("from", from <= to && to.DayNumber - from.DayNumber < UsageQuery.MaxDays, $"a day at most {UsageQuery.MaxDays - 1} days before \"to\" ({to:yyyy-MM-dd})", $"{from:yyyy-MM-dd}");
        var csv = query.OneOf("format", ["json", "csv"]) == "csv";
        var asked = new UsageQuery(from, to)
        {
            By = query.SomeOf("by", UsageColumns.All),
            Workflow = query.Text("workflow", MaxName),
            Agent = query.Text("agent", MaxName),
            Model = query.Text("model", MaxName),

            // Nothing could tell a reader of CSV that rows were left out.
            Top = csv ? int.MaxValue : query.Whole("top", 1, UsageQuery.MaxTop, 1_000),
        };
        query.Require("top", !csv || !context.Request.Query.ContainsKey("top"), "left out with format=csv, which has every row", context.Request.Query["top"].ToString());
        query.Check();

        var report = UsageReport.Of(asked, await ledger.ReadUsageAsync(from, to, context.RequestAborted));
        return csv
            ? TypedResults.Text(UsageCsv.Write(report), "text/csv", Encoding.UTF8)
            : TypedResults.Json(report, HttpJsonContext.Default.UsageReport);
    });

    /// <summary>GET /api/usage/unsettled.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with the calls, newest first.</returns>
    public Task<IResult> UnsettledAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        var query = new QueryReader(context.Request);
        var top = query.Whole("top", 1, 1_000, 100);
        query.Check();
        return Calls(await ledger.ListUnsettledAsync(top, context.RequestAborted));
    });

    /// <summary>GET /api/instances/{id}/calls.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>200 with the calls in the order in which they were begun, 404.</returns>
    public Task<IResult> CallsAsync(HttpContext context, string id) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var from = query.Whole("from", 0, int.MaxValue, 0);
        var top = query.Whole("top", 1, 1_000, 100);
        query.Check();
        _ = await client.Durable.GetAsync(id, cancellationToken: context.RequestAborted) ?? throw new Core.Durable.InstanceNotFoundException(id);
        return Calls((await ledger.ListAsync(id, context.RequestAborted)).Skip(from).Take(top));
    });

    private static IResult Calls(IEnumerable<LedgerEntry> entries) => TypedResults.Json([.. entries.Select(RecordedCall.Of)], HttpJsonContext.Default.ListRecordedCall);
}
