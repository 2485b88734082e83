using Microsoft.Extensions.Logging;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Payloads;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Evaluation;

/// <summary>Evaluates an expression over values that are in the payload store; only those that it reads are loaded.</summary>
internal sealed class EvaluateActivity(DefinitionCache definitions, PayloadValues values, ILogger log)
{
    public async Task<EvaluateResult> RunAsync(EvaluateCall call, CancellationToken cancellationToken)
    {
        try
        {
            var (site, scope) = (call.Site, call.Scope);
            var definition = definitions.Get(scope.DefinitionHash);
            var stored = await values.ReadAllAsync(CallScopeValues.StoredValues(scope, ExpressionSites.References(definition, scope.Node, site)), cancellationToken);
            var value = ExpressionSites.Evaluate(definition, scope.Node, site, CallScopeValues.Create(scope, definition.Name, stored));
            return new EvaluateResult(await values.WriteAsync(scope.RootInstanceId, value.ToJson(), cancellationToken));
        }
        catch (CallFailedException failed)
        {
            // What is to be written to the state does not fit.
            return new EvaluateResult(null, failed.Error);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The boundary of the activity: whatever it is, the workflow decides what follows.
            var error = ErrorText.Shorten(ErrorClassifier.Classify(exception));
            log.EvaluationFailed(call.Scope.InstanceId, call.Scope.Activation, call.Site.Kind, error.Code);
            log.EvaluationFailedBecause(call.Scope.InstanceId, call.Scope.Activation, error.Message);
            return new EvaluateResult(null, error);
        }
    }
}
