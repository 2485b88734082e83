using System.Text.Json.Serialization;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine;

/// <summary>The process that has a data file open.</summary>
/// <param name="ProcessId">Its id.</param>
/// <param name="Host">The machine.</param>
/// <param name="Since">When it opened the file.</param>
/// <param name="Note">What it says about itself, such as its URL.</param>
public sealed record EngineOwner(int ProcessId, string Host, DateTimeOffset Since, string? Note)
{
    /// <summary>Tells who has a data file open. May be a moment old when it returns.</summary>
    /// <param name="path">The data file.</param>
    /// <returns>The owner, or <see langword="null"/> if nobody has it open.</returns>
    public static EngineOwner? Read(string path) => OwnerLock.Read(path);
}

/// <summary>Another process has the data file open.</summary>
public sealed class DataFolderInUseException : PolyphonyException
{
    internal DataFolderInUseException(string path, EngineOwner? owner)
        : base("data_folder_in_use", owner is null
            ? $"Another process has the data file \"{path}\" open. Stop it, or use another data folder."
            : $"Process {owner.ProcessId} on {owner.Host} has had the data file \"{path}\" open since {owner.Since:u}" +
                $"{(owner.Note is null ? "" : $" ({owner.Note})")}. Use that one, stop it, or use another data folder.") => Owner = owner;

    /// <summary>Gets the owner, if it could be read.</summary>
    public EngineOwner? Owner { get; }
}

/// <summary>The JSON contract of the owner's file.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EngineOwner))]
internal sealed partial class OwnerJsonContext : JsonSerializerContext;
