using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Polyphony.Analyzers;

/// <summary>
/// Finds calls that are not deterministic in the functions of C# workflows: such a function is replayed, and must then do the same as before. A function is whatever becomes a
/// <c>CodeWorkflowFunction</c>: a lambda or a method, with the methods, constructors and properties of the same project that it calls. What it calls through an interface, or in another
/// assembly, is not looked into.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class CodeWorkflowAnalyzer : DiagnosticAnalyzer
{
    /// <summary>A value that differs from one replay to the next: a clock, a random number.</summary>
    public const string ValueRule = "PLY0001";

    /// <summary>Work or waiting that the workflow does not know of, on its own thread.</summary>
    public const string ThreadRule = "PLY0002";

    /// <summary>Files, the network, processes, the environment.</summary>
    public const string OutsideRule = "PLY0003";

    private static readonly ImmutableDictionary<string, DiagnosticDescriptor> Rules = new[]
    {
        Rule(ValueRule, "A C# workflow takes time and random values from its context", "{0} gives another value in each replay of the workflow. {1}."),
        Rule(ThreadRule, "A C# workflow starts work and waits through its context", "{0} leaves the workflow: a replay does not know of it. {1}."),
        Rule(OutsideRule, "A C# workflow reaches the outside through tools", "{0} runs again, and may end differently, in each replay of the workflow. {1}."),
    }.ToImmutableDictionary(rule => rule.Id);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [.. Rules.Values.OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            INamedTypeSymbol?[] functions =
            [
                start.Compilation.GetTypeByMetadataName("Polyphony.Core.CodeFirst.CodeWorkflowFunction"),
                start.Compilation.GetTypeByMetadataName("Polyphony.Core.CodeFirst.CodeWorkflowFunction`2"),
            ];
            if (Array.TrueForAll(functions, function => function is null))
            {
                return;
            }

            // Two workflows may share a method: it is reported once.
            var reported = new ConcurrentDictionary<Location, bool>();
            start.RegisterOperationAction(
                operation =>
                {
                    var creation = (IDelegateCreationOperation)operation.Operation;
                    if (creation.Type?.OriginalDefinition is INamedTypeSymbol type && Array.Exists(functions, function => SymbolEqualityComparer.Default.Equals(function, type)))
                    {
                        new Walk(operation, reported).Visit(creation.Target);
                    }
                },
                OperationKind.DelegateCreation);
        });
    }

    private static DiagnosticDescriptor Rule(string id, string title, string message) => new(
        id, title, message, "Polyphony.Determinism", DiagnosticSeverity.Warning, isEnabledByDefault: true, description: "The function of a C# workflow is replayed after each wait: see docs/hosting.md, \"Workflows in C#\".");

    /// <summary>One function, and what it calls.</summary>
    private sealed class Walk(OperationAnalysisContext context, ConcurrentDictionary<Location, bool> reported)
    {
        private readonly HashSet<ISymbol> _seen = new(SymbolEqualityComparer.Default);

        public void Visit(IOperation root)
        {
            var open = new Stack<IOperation>();
            open.Push(root);
            while (open.Count > 0)
            {
                context.CancellationToken.ThrowIfCancellationRequested();
                foreach (var operation in open.Pop().DescendantsAndSelf())
                {
                    if (ForbiddenCalls.TryFind(operation, out var rule, out var what, out var instead))
                    {
                        Report(operation, rule, what, instead);
                    }
                    else if (ForbiddenCalls.MemberOf(operation) is { } member)
                    {
                        Bodies(member).ForEach(open.Push);
                    }
                }
            }
        }

        private void Report(IOperation operation, string rule, string what, string instead)
        {
            var location = operation.Syntax.GetLocation();
            if (reported.TryAdd(location, true))
            {
                context.ReportDiagnostic(Diagnostic.Create(Rules[rule], location, what, instead));
            }
        }

        private List<IOperation> Bodies(ISymbol member)
        {
            var bodies = new List<IOperation>();
            ISymbol?[] symbols = member is IPropertySymbol property ? [property.GetMethod, property.SetMethod] : [(member as IMethodSymbol)?.PartialImplementationPart ?? member];
            foreach (var symbol in symbols)
            {
                if (symbol is null || !_seen.Add(symbol.OriginalDefinition))
                {
                    continue;
                }

                foreach (var declaration in symbol.OriginalDefinition.DeclaringSyntaxReferences)
                {
                    var syntax = declaration.GetSyntax(context.CancellationToken);

                    // That of a project which this one refers to belongs to another compilation.
                    if (context.Compilation.ContainsSyntaxTree(syntax.SyntaxTree) && ModelOf(syntax.SyntaxTree).GetOperation(syntax, context.CancellationToken) is { } body)
                    {
                        bodies.Add(body);
                    }
                }
            }

            return bodies;
        }

        // The function may lie in another file than the call that adds it, so the model that the compiler passes is not enough.
#pragma warning disable RS1030
        private SemanticModel ModelOf(SyntaxTree tree) =>
            context.Operation.SemanticModel is { } model && model.SyntaxTree == tree ? model : context.Compilation.GetSemanticModel(tree);
#pragma warning restore RS1030
    }
}
