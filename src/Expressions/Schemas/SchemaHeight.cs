namespace Polyphony.Expressions.Schemas;

/// <summary>How many parts of a schema build on each other for one value.</summary>
internal static class SchemaHeight
{
    /// <summary>Finds how many parts build on each other from one on.</summary>
    /// <param name="node">The part.</param>
    /// <param name="done">What is known of others; takes what is found.</param>
    /// <returns>How many; 0 if they do so in a circle.</returns>
    public static int Of(SchemaNode node, Dictionary<SchemaNode, int> done) => Of(node, done, 0);

    private static int Of(SchemaNode node, Dictionary<SchemaNode, int> done, int depth)
    {
        // 0 marks those that are under way.
        if (done.TryGetValue(node, out var known))
        {
            return known;
        }

        if (depth > SchemaLimits.Recursion)
        {
            return SchemaLimits.Recursion;
        }

        done[node] = 0;
        var height = 1;
        foreach (var next in node.InPlace())
        {
            var below = Of(next, done, depth + 1);
            if (below == 0)
            {
                return 0;
            }

            height = Math.Max(height, below + 1);
        }

        done[node] = height;
        return height;
    }
}
