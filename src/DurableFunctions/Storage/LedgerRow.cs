using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Data.Tables;
using Polyphony.Core.Ledger;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>Where a step lies in the table.</summary>
/// <param name="Partition">Its instance, with characters escaped that keys may not hold.</param>
/// <param name="Row">Hash of its id: step ids hold such characters as a rule.</param>
internal readonly record struct LedgerKey(string Partition, string Row)
{
    private const int MaxPartitionLength = 400;

    public static LedgerKey Of(string instanceId, string stepId) => new(PartitionOf(instanceId), Hash(stepId));

    /// <summary>An instance's partition. Ids that the API takes stand as they are but for a dot at the end, which names of blobs may not have there.</summary>
    /// <param name="instanceId">The instance.</param>
    public static string PartitionOf(string instanceId)
    {
        var escaped = new StringBuilder(instanceId.Length);
        for (var i = 0; i < instanceId.Length; i++)
        {
            var c = instanceId[i];
            if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ':' || (c == '.' && i < instanceId.Length - 1))
            {
                escaped.Append(c);
            }
            else
            {
                escaped.Append('~').Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            }
        }

        return escaped.Length <= MaxPartitionLength ? escaped.ToString() : $"{escaped.ToString(0, MaxPartitionLength)}~~{Hash(instanceId)}";
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
}

/// <summary>A step as it lies in the table.</summary>
/// <param name="Key">Where.</param>
/// <param name="Entry">What the ledger holds of it.</param>
/// <param name="Version">The version that this is.</param>
/// <param name="Write">Names the write that made this version.</param>
/// <param name="AnswerBlob">The blob that holds the answer, if it is too large for the table.</param>
internal sealed record LedgerRow(LedgerKey Key, LedgerEntry Entry, ETag Version, Guid Write, string? AnswerBlob)
{
    // A column holds 64 KiB of bytes or 32 Ki characters.
    private const int MaxContentBytes = 60 * 1024;
    private const int MaxTextLength = 8 * 1024;

    // Model calls that were begun more often than they were settled; rows of others have no such column.
    private const string Unsettled = "Unsettled";

    /// <summary>Gets the columns that <see cref="UnsettledOf"/> reads.</summary>
    public static string[] ColumnsOfUnsettled { get; } =
        ["PartitionKey", "RowKey", "StepId", "InstanceId", "Agent", "Model", "RequestHash", "Workflow", "Provider", "Deployment", "Begun", "Failed", "LastError", "BegunTime", "AnsweredTime", Unsettled];

    /// <summary>Gets the columns that <see cref="Sum"/> reads.</summary>
    public static string[] ColumnsOfSums { get; } = ["Agent", "Begun", "Failed", "AnsweredTime", "InputTokens", "OutputTokens", "CostUsd"];

    /// <summary>Whether an answer can stand in the table.</summary>
    /// <param name="answer">The answer.</param>
    public static bool Fits(LedgerAnswer answer) =>
        Encoding.UTF8.GetByteCount(answer.Content) <= MaxContentBytes
        && IsShort(answer.ProviderRequestId) && IsShort(answer.ResponseModel) && IsShort(answer.FinishReason);

    /// <summary>The blob that holds the answer of a row, or <see langword="null"/>.</summary>
    /// <param name="entity">The row.</param>
    public static string? AnswerBlobOf(TableEntity entity) => entity.GetString("AnswerBlob");

    /// <summary>Reads a row.</summary>
    /// <param name="entity">The row.</param>
    /// <param name="large">The answer, if it lies in a blob.</param>
    public static LedgerRow From(TableEntity entity, LedgerAnswer? large)
    {
        var answer = large ?? (entity.GetBinary("Answer") is { } content
            ? new LedgerAnswer
            {
                Content = Encoding.UTF8.GetString(content),
                ProviderRequestId = entity.GetString("ProviderRequestId"),
                ResponseModel = entity.GetString("ResponseModel"),
                FinishReason = entity.GetString("FinishReason"),
                InputTokens = entity.GetInt64("InputTokens") ?? 0,
                CachedInputTokens = entity.GetInt64("CachedInputTokens") ?? 0,
                OutputTokens = entity.GetInt64("OutputTokens") ?? 0,
                ReasoningTokens = entity.GetInt64("ReasoningTokens") ?? 0,
                IsEstimated = entity.GetBoolean("IsEstimated") ?? false,
                CostUsd = Cost(entity),
            }
            : null);
        return new LedgerRow(
            new LedgerKey(entity.PartitionKey, entity.RowKey),
            new LedgerEntry(
                RequestOf(entity),
                answer,
                entity.GetInt32("Begun") ?? 0,
                entity.GetInt32("Failed") ?? 0,
                entity.GetString("LastError"),
                entity.GetDateTimeOffset("BegunTime") ?? default,
                entity.GetDateTimeOffset("AnsweredTime")),
            entity.ETag,
            entity.GetGuid("Write") ?? default,
            AnswerBlobOf(entity));
    }

    /// <summary>Finds the rows of calls that were never settled.</summary>
    /// <param name="from">The first day on which they may have begun; <see langword="null"/>: any.</param>
    /// <param name="to">The last day.</param>
    /// <returns>The filter.</returns>
    public static string FilterOfUnsettled(DateOnly? from = null, DateOnly? to = null) => from is null || to is null
        ? $"{Unsettled} eq true"
        : TableClient.CreateQueryFilter($"BegunTime ge {UsageRows.Begin(from.Value)} and BegunTime lt {UsageRows.Begin(to.Value.AddDays(1))}") + $" and {Unsettled} eq true";

    /// <summary>Reads the row of a call that was never settled, without its answer.</summary>
    /// <param name="entity">The row; <see cref="ColumnsOfUnsettled"/> are enough.</param>
    /// <returns>The entry; <see langword="null"/>: all its calls are settled.</returns>
    public static LedgerEntry? UnsettledOf(TableEntity entity) => entity.GetBoolean(Unsettled) == true
        ? new LedgerEntry(
            RequestOf(entity),
            entity.GetDateTimeOffset("AnsweredTime") is null ? null : new LedgerAnswer { Content = "" },
            entity.GetInt32("Begun") ?? 0,
            entity.GetInt32("Failed") ?? 0,
            entity.GetString("LastError"),
            entity.GetDateTimeOffset("BegunTime") ?? default,
            entity.GetDateTimeOffset("AnsweredTime"))
        : null;

    /// <summary>Adds a row to sums.</summary>
    /// <param name="totals">The sums.</param>
    /// <param name="entity">The row; <see cref="ColumnsOfSums"/> are enough.</param>
    public static LedgerTotals Sum(LedgerTotals totals, TableEntity entity)
    {
        if (entity.GetString("Agent") is null or "")
        {
            // Usage, or a tool call.
            return totals;
        }

        var answered = entity.GetDateTimeOffset("AnsweredTime") is null ? 0 : 1;
        return new LedgerTotals(
            totals.Steps + answered,
            totals.InputTokens + (entity.GetInt64("InputTokens") ?? 0),
            totals.OutputTokens + (entity.GetInt64("OutputTokens") ?? 0),
            totals.CostUsd + (Cost(entity) ?? 0),
            totals.Unsettled + (entity.GetInt32("Begun") ?? 0) - (entity.GetInt32("Failed") ?? 0) - answered);
    }

    /// <summary>The row as it is written.</summary>
    public TableEntity ToEntity()
    {
        var entity = new TableEntity(Key.Partition, Key.Row)
        {
            ["StepId"] = Entry.Request.StepId,
            ["InstanceId"] = Entry.Request.InstanceId,
            ["Agent"] = Entry.Request.Agent,
            ["Model"] = Entry.Request.Model,
            ["RequestHash"] = Entry.Request.RequestHash,
            ["Begun"] = Entry.Begun,
            ["Failed"] = Entry.Failed,
            ["BegunTime"] = Entry.BegunTime,
            ["Write"] = Write,
        };
        SetText("Workflow", Entry.Request.Workflow);
        SetText("Provider", Entry.Request.Provider);
        SetText("Deployment", Entry.Request.Deployment);
        Set(Unsettled, !Entry.Request.IsToolCall && Entry.Unsettled > 0 ? true : null);
        Set("LastError", Entry.LastError);
        Set("AnsweredTime", Entry.AnsweredTime);
        if (Entry.Answer is { } answer)
        {
            entity["InputTokens"] = answer.InputTokens;
            entity["OutputTokens"] = answer.OutputTokens;
            Set("CachedInputTokens", answer.CachedInputTokens == 0 ? null : answer.CachedInputTokens);
            Set("ReasoningTokens", answer.ReasoningTokens == 0 ? null : answer.ReasoningTokens);
            Set("IsEstimated", answer.IsEstimated ? true : null);
            Set("CostUsd", answer.CostUsd?.ToString(CultureInfo.InvariantCulture));
            Set("AnswerBlob", AnswerBlob);
            if (AnswerBlob is null)
            {
                entity["Answer"] = Encoding.UTF8.GetBytes(answer.Content);
                Set("ProviderRequestId", answer.ProviderRequestId);
                Set("ResponseModel", answer.ResponseModel);
                Set("FinishReason", answer.FinishReason);
            }
        }

        return entity;

        void SetText(string column, string value) => Set(column, value.Length == 0 ? null : value);

        void Set(string column, object? value)
        {
            if (value is not null)
            {
                entity[column] = value;
            }
        }
    }

    private static LedgerRequest RequestOf(TableEntity entity) => new(
        entity.GetString("StepId"), entity.GetString("InstanceId"), entity.GetString("Agent"), entity.GetString("Model"), entity.GetString("RequestHash"))
    {
        Workflow = entity.GetString("Workflow") ?? "",
        Provider = entity.GetString("Provider") ?? "",
        Deployment = entity.GetString("Deployment") ?? "",
    };

    private static bool IsShort(string? text) => text is null || text.Length <= MaxTextLength;

    private static decimal? Cost(TableEntity entity) => entity.GetString("CostUsd") is { } text ? decimal.Parse(text, CultureInfo.InvariantCulture) : null;
}
