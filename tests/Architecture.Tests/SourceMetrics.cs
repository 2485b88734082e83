using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Polyphony.Architecture.Tests;

/// <summary>Measures of the product's source code, by its syntax.</summary>
internal static class SourceMetrics
{
    /// <summary>Counts the lines of every type, over all its parts and without types within it.</summary>
    /// <param name="trees">The source files.</param>
    /// <returns>Lines by the type's full name.</returns>
    public static IReadOnlyDictionary<string, int> TypeLines(IEnumerable<SyntaxTree> trees) => trees
        .SelectMany(tree => tree.GetRoot().DescendantNodes().OfType<BaseTypeDeclarationSyntax>())
        .GroupBy(NameOf, type => LinesOf(type) - type.ChildNodes().OfType<BaseTypeDeclarationSyntax>().Sum(LinesOf), StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Sum(), StringComparer.Ordinal);

    /// <summary>
    /// Finds how complex each member is: one, and one more for every branch, loop, handler, <c>and</c>, <c>or</c>, <c>??</c> and arm in it (McCabe, "A Complexity Measure", IEEE TSE 2(4), 1976).
    /// A local function counts for itself: it has a name, and is read on its own.
    /// </summary>
    /// <param name="trees">The source files.</param>
    /// <returns>Each member's name and complexity.</returns>
    public static IEnumerable<(string Member, int Complexity)> MemberComplexities(IEnumerable<SyntaxTree> trees) => trees
        .SelectMany(tree => tree.GetRoot().DescendantNodes())
        .Where(node => node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax || node is PropertyDeclarationSyntax { ExpressionBody: not null })
        .Select(node => ($"{NameOf(node.Ancestors().OfType<BaseTypeDeclarationSyntax>().First())}.{MemberName(node)}", 1 + Branches(node)));

    private static int Branches(SyntaxNode member) => member
        .DescendantNodes(node => node == member || node is not LocalFunctionStatementSyntax)
        .Count(node => node.Kind() is SyntaxKind.IfStatement
            or SyntaxKind.ConditionalExpression
            or SyntaxKind.WhileStatement
            or SyntaxKind.DoStatement
            or SyntaxKind.ForStatement
            or SyntaxKind.ForEachStatement
            or SyntaxKind.ForEachVariableStatement
            or SyntaxKind.CatchClause
            or SyntaxKind.CaseSwitchLabel
            or SyntaxKind.CasePatternSwitchLabel
            or SyntaxKind.SwitchExpressionArm
            or SyntaxKind.LogicalAndExpression
            or SyntaxKind.LogicalOrExpression
            or SyntaxKind.CoalesceExpression
            or SyntaxKind.CoalesceAssignmentExpression);

    private static string MemberName(SyntaxNode member) => member switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        ConstructorDeclarationSyntax => "constructor",
        PropertyDeclarationSyntax property => property.Identifier.Text,
        LocalFunctionStatementSyntax local => local.Identifier.Text,
        AccessorDeclarationSyntax accessor => accessor.Ancestors().OfType<BasePropertyDeclarationSyntax>().FirstOrDefault() is PropertyDeclarationSyntax property
            ? $"{property.Identifier.Text}.{accessor.Keyword.Text}"
            : accessor.Keyword.Text,
        _ => member.Kind().ToString(),
    };

    private static string NameOf(BaseTypeDeclarationSyntax type)
    {
        var names = type.AncestorsAndSelf().Select(node => node switch
        {
            BaseTypeDeclarationSyntax outer => outer.Identifier.Text + ((outer as TypeDeclarationSyntax)?.TypeParameterList is { } parameters ? $"`{parameters.Parameters.Count}" : ""),
            BaseNamespaceDeclarationSyntax space => space.Name.ToString(),
            _ => null,
        });
        return string.Join('.', names.OfType<string>().Reverse());
    }

    private static int LinesOf(SyntaxNode node)
    {
        var span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }
}
