using System.Security.Cryptography;
using Polyphony.Core;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Payloads;

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
