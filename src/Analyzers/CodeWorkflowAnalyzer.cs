using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Polyphony.Analyzers;

/// <summary>
/// Finds calls in a workflow in C# that may give another result when the workflow is replayed: clocks, random values, threads, the environment, files and the network. It looks into lambdas and into methods that are
/// passed as a <c>CodeWorkflowFunction</c>, not into what those call in turn.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class CodeWorkflowAnalyzer : DiagnosticAnalyzer
{
    /// <summary>The id of what it reports.</summary>
    public const string Id = "PLY0001";

    private const string FunctionType = "Polyphony.Core.CodeFirst.CodeWorkflowFunction";

    private static readonly SymbolDisplayFormat NameFormat = SymbolDisplayFormat.CSharpErrorMessageFormat.WithGenericsOptions(SymbolDisplayGenericsOptions.None);

    private static readonly DiagnosticDescriptor Rule = new(
        Id,
        "A workflow is replayed, and has to do the same each time",
        "{0} may give another result when the workflow is replayed: {1}",
        "Determinism",
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "After a restart, a workflow in C# runs again from its beginning, and gets the recorded results of its calls. What it does in between must not depend on anything else.",
        customTags: WellKnownDiagnosticTags.CompilationEnd);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = ImmutableArray.Create(Rule);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(Begin);
    }

    private static void Begin(CompilationStartAnalysisContext context)
    {
        var functions = ImmutableArray.Create(context.Compilation.GetTypeByMetadataName(FunctionType), context.Compilation.GetTypeByMetadataName(FunctionType + "`2"));
        if (functions.All(type => type is null))
        {
            return;
        }

        // A method may be seen before it is passed on.
        var methods = new ConcurrentDictionary<ISymbol, bool>(SymbolEqualityComparer.Default);
        var found = new ConcurrentBag<(ISymbol Method, Diagnostic Diagnostic)>();
        context.RegisterOperationAction(
            operation =>
            {
                if (operation.Operation is IDelegateCreationOperation { Type: INamedTypeSymbol type, Target: IMethodReferenceOperation { Method: var method } }
                    && functions.Contains(type.OriginalDefinition, SymbolEqualityComparer.Default))
                {
                    methods.TryAdd(method.OriginalDefinition, true);
                }
            },
            OperationKind.DelegateCreation);
        context.RegisterOperationAction(
            operation =>
            {
                if (Find(operation.Operation) is not { } diagnostic)
                {
                    return;
                }

                if (IsInFunction(operation.Operation, functions, out var local))
                {
                    operation.ReportDiagnostic(diagnostic);
                }
                else
                {
                    found.Add((local ?? operation.ContainingSymbol.OriginalDefinition, diagnostic));
                }
            },
            OperationKind.Invocation,
            OperationKind.PropertyReference,
            OperationKind.ObjectCreation);
        context.RegisterCompilationEndAction(end =>
        {
            foreach (var (method, diagnostic) in found.Where(each => methods.ContainsKey(each.Method)))
            {
                end.ReportDiagnostic(diagnostic);
            }
        });
    }

    /// <summary>Tells whether an operation stands in a lambda that is a workflow; gives the local function that it stands in otherwise.</summary>
    private static bool IsInFunction(IOperation operation, ImmutableArray<INamedTypeSymbol?> functions, out ISymbol? local)
    {
        local = null;
        for (var outer = operation.Parent; outer is not null; outer = outer.Parent)
        {
            switch (outer)
            {
                case IDelegateCreationOperation { Type: INamedTypeSymbol type, Target: IAnonymousFunctionOperation } when functions.Contains(type.OriginalDefinition, SymbolEqualityComparer.Default):
                    return true;
                case ILocalFunctionOperation { Symbol: var symbol }:
                    local ??= symbol;
                    break;
            }
        }

        return false;
    }

    private static Diagnostic? Find(IOperation operation)
    {
        var (member, name) = operation switch
        {
            IInvocationOperation { TargetMethod: var method } => (method, method.Name),
            IPropertyReferenceOperation { Property: var property } => (property, property.Name),
            IObjectCreationOperation { Constructor: { } constructor } creation => ((ISymbol)constructor, creation.Arguments.Length == 0 ? "new()" : "new"),
            _ => (null, ""),
        };
        if (member?.ContainingType is not { } type)
        {
            return null;
        }

        var advice = Banned.Advice(type.OriginalDefinition.ToDisplayString(NameFormat), name);
        return advice is null ? null : Diagnostic.Create(Rule, operation.Syntax.GetLocation(), operation is IObjectCreationOperation ? $"new {type.Name}()" : $"{type.Name}.{name}", advice);
    }
}
