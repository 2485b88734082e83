using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Durable;

namespace Polyphony.Engine.Orchestrations;

/// <summary>Instance ids: checked, and made for children.</summary>
internal static class InstanceIds
{
    /// <summary>Refuses ids that could not be told from something else.</summary>
    internal static void Check(string id)
    {
        if (id.Length is 0 or > DurableLimits.MaxInstanceIdLength || id[0] == '@' || id.AsSpan().ContainsAnyInRange('\0', '\u001f'))
        {
            var found = id.Length > DurableLimits.MaxInstanceIdLength ? $"{id.Length} characters" : $"\"{id}\"";
            throw new PolyphonyException(
                "invalid_instance_id",
                $"An instance id has 1 to {DurableLimits.MaxInstanceIdLength} characters, no control characters, and does not begin with \"@\" (entities do); found: {found}.");
        }
    }

    /// <summary>Names a child after its parent and the task; too long a name is cut and made distinct by a hash.</summary>
    internal static string OfChild(string parent, int generation, int task)
    {
        var id = generation == 1 ? $"{parent}:{task}" : $"{parent}:{generation}.{task}";
        return id.Length <= DurableLimits.MaxInstanceIdLength
            ? id
            : $"{id.AsSpan(0, DurableLimits.MaxInstanceIdLength - 33)}~{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, 16))}";
    }
}
