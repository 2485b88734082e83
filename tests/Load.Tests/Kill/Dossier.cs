using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Polyphony.Load.Tests.Kill;

/// <summary>
/// The workflow of the kill test, of 20 model calls: a plan by schema; eight items in parallel with three that call a tool; two branches; a verdict whose
/// first answer does not fit its schema; an end. What each call must ask and what comes out is worked out here by hand, without the product.
/// </summary>
internal static class Dossier
{
    /// <summary>How many calls an instance makes that are answered: 1 + 8 + 3 * 2 + 1 + 1 + 2 + 1.</summary>
    public const int Calls = 20;

    public const int InputPricePerMillion = 3;
    public const int OutputPricePerMillion = 8;

    private const int Topics = 8;
    private const int Facts = 3;

    /// <summary>Writes the workflow, the files that its tool reads and the host's settings; returns the path of the settings.</summary>
    public static string Write(LoadFolder folder, Uri endpoint)
    {
        folder.Write("workflows/dossier.yaml", $$$"""
            name: dossier
            input: { type: object, required: [n], properties: { n: { type: integer } } }
            limits: { maxConcurrency: 3 }
            models:
              main: { provider: openai, model: main-model, endpoint: "{{{endpoint}}}", apiKeyVariable: LOAD_KEY, fallback: [spare] }
              spare: { provider: openai, model: spare-model, endpoint: "{{{endpoint}}}", apiKeyVariable: LOAD_KEY }
            agents:
              planner:
                model: host-alias
                context: []
                retry: &retry { maxAttempts: 8, firstDelay: 20ms, maxDelay: 200ms }
                output: { type: object, required: [topics], properties: { topics: { type: array, items: { type: integer } } } }
              worker: { model: main, context: [], retry: *retry }
              reader: { model: main, context: [], retry: *retry, tools: [read_file] }
              judge: { model: main, context: [], retry: *retry, output: { type: object, required: [score], properties: { score: { type: integer } } } }
            nodes:
              plan: { agent: planner, prompt: "{{ instance.id }} plan {{ input.n }}" }
              research: { agent: worker, forEach: "{{ nodes.plan.output.topics }}", prompt: "{{ instance.id }} research[{{ index }}] {{ item }}" }
              facts: { agent: reader, forEach: "{{ [10, 20, 30] }}", prompt: "{{ instance.id }} facts[{{ index }}] {{ item }}" }
              left: { agent: worker, prompt: "{{ instance.id }} left {{ nodes.research.output }}" }
              right: { agent: worker, prompt: "{{ instance.id }} right {{ nodes.facts.output }}" }
              verdict: { agent: judge, prompt: "{{ instance.id }} verdict {{ nodes.left.output }} {{ nodes.right.output }}" }
              last: { agent: worker, prompt: "{{ instance.id }} last {{ nodes.verdict.output.score }}" }
            edges: [ "plan -> research -> left -> verdict -> last", "plan -> facts -> right -> verdict" ]
            output: { score: "{{ nodes.verdict.output.score }}", research: "{{ nodes.research.output }}", last: "{{ nodes.last.output }}" }
            """);
        for (var fact = 0; fact < Facts; fact++)
        {
            folder.Write($"files/{Subject(fact)}.txt", Fact(fact));
        }

        return folder.Write("settings.json", $$"""
            {
              "models": { "host-alias": { "provider": "openai", "model": "host-model", "endpoint": "{{endpoint}}", "apiKeyVariable": "LOAD_KEY" } },
              "allowedEndpoints": [ { "endpoint": "{{endpoint}}", "apiKeyVariable": "LOAD_KEY" } ],
              "prices": { "asOf": "2026-01-31", "models": { "fake-1": { "input": {{InputPricePerMillion}}, "output": {{OutputPricePerMillion}} } } }
            }
            """);
    }

    /// <summary>Works out the conversations of an instance, by step id: the first prompt, and (for the second call of a fact) what the tool returned.</summary>
    public static Dictionary<string, string> Steps(string id, int n)
    {
        var research = Research(id, n);
        var steps = new Dictionary<string, string>(StringComparer.Ordinal);
        void Add(string activation, string rest, int calls = 1)
        {
            for (var call = 1; call <= calls; call++)
            {
                steps.Add(string.Create(CultureInfo.InvariantCulture, $"{id}/{activation}/{call}"), $"{id} {activation} {rest}");
            }
        }

        Add("plan", Text(n));
        for (var i = 0; i < Topics; i++)
        {
            Add($"research[{i}]", Text(n + i));
        }

        for (var i = 0; i < Facts; i++)
        {
            Add($"facts[{i}]", Text(Subject(i)), calls: 2);
        }

        Add("left", List(research));
        Add("right", List(FactAnswers(id)));
        Add("verdict", VerdictRest(id, n), calls: 2);
        Add("last", Text(Score($"{id} verdict {VerdictRest(id, n)}")));
        return steps;
    }

    /// <summary>Works out the output of an instance.</summary>
    public static string Output(string id, int n)
    {
        var score = Score($"{id} verdict {VerdictRest(id, n)}");
        return $$"""{"score":{{score}},"research":{{List(Research(id, n))}},"last":"{{Answer($"{id} last {score}")}}"}""";
    }

    /// <summary>What the model says to a prompt without a schema.</summary>
    public static string Answer(string prompt) => "a" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompt)))[..12];

    /// <summary>What the model says of a fact, once it has read the file.</summary>
    public static string Answer(string prompt, string file) => Answer($"{prompt}|{file}");

    /// <summary>The model's verdict on a prompt.</summary>
    public static int Score(string prompt) => SHA256.HashData(Encoding.UTF8.GetBytes(prompt))[0];

    /// <summary>The model's plan for a number.</summary>
    public static string Plan(int n) => $$"""{"topics":[{{string.Join(',', Enumerable.Range(n, Topics).Select(Text))}}]}""";

    /// <summary>What a call costs in tokens.</summary>
    public static (int Input, int Output) Tokens(string step) => (100 + (step.Length % 10), 10 + (step.Length % 3));

    private static int Subject(int fact) => 10 * (fact + 1);

    private static string Fact(int fact) => $"What is known of {Subject(fact)}.\n";

    private static string[] Research(string id, int n) => [.. Enumerable.Range(0, Topics).Select(i => Answer($"{id} research[{i}] {n + i}"))];

    private static string[] FactAnswers(string id) => [.. Enumerable.Range(0, Facts).Select(i => Answer($"{id} facts[{i}] {Subject(i)}", Fact(i)))];

    private static string VerdictRest(string id, int n) => $"{Answer($"{id} left {List(Research(id, n))}")} {Answer($"{id} right {List(FactAnswers(id))}")}";

    private static string List(string[] texts) => $"[{string.Join(',', texts.Select(text => $"\"{text}\""))}]";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
