using System.Security.Cryptography;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Evaluation;

/// <summary>Ends a failed workflow by throwing, unless a rewind has left its marker in the payload store.</summary>
internal sealed class FailActivity(IPayloadStore payloads)
{
    public async Task RunAsync(FailCall call, CancellationToken cancellationToken)
    {
        try
        {
            await payloads.GetAsync(Convert.ToHexStringLower(SHA256.HashData(call.RewindMarker)), cancellationToken);
        }
        catch (PayloadNotFoundException)
        {
            var error = call.Error;
            throw new PolyphonyException(error.Code, error.Activation is null ? error.Message : $"{error.Activation}: {error.Message}");
        }
    }
}
