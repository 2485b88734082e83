# ./dev test --coverage: runs the tests with coverlet, and sums up the lines and branches of each library over all test projects. Read by ./dev,
# whose names it uses (root, test_assembly, build_tests, …). The Cobertura files stay below artifacts/coverage.
# shellcheck shell=bash

coverage_out=$root/artifacts/coverage

run_coverage() {
  local projects=() word project collector failed=0
  for word in "$@"; do
    project=$(test_projects | grep -ixE "$(sed 's/\./\\./g' <<<"${word%.Tests}")\.Tests" || true)
    if [ -z "$project" ]; then echo "\"$word\" is no test project; --coverage takes test projects alone: $(test_projects | tr '\n' ' ')" >&2; exit 2; fi
    projects+=("$project")
  done
  # Those of the tree and of the packages run nothing of the product in their own process.
  [ ${#projects[@]} -gt 0 ] || projects=($(test_projects | grep -vE '^(Architecture|Packages)\.'))
  build_tests
  case " ${projects[*]} " in *' DurableFunctions.Tests '*) start_test_storage ;; esac
  dotnet restore "$root/tools/coverage" -v q >&2
  collector=$(dotnet msbuild "$root/tools/coverage" -getProperty:Collector)
  for project in "${projects[@]}"; do
    echo "$project …" >&2
    rm -rf "${coverage_out:?}/$project"
    mkdir -p "$coverage_out/$project"
    # The tests run although one fails: what they covered counts, and the failure is said at the end.
    (cd "$root" && dotnet vstest "$(test_assembly "$project")" --Collect:"XPlat Code Coverage" --TestAdapterPath:"$collector" \
      --Settings:tools/coverage/coverlet.runsettings --ResultsDirectory:"$coverage_out/$project") >"$coverage_out/$project.log" 2>&1 ||
      { failed=$((failed + 1)); echo "$project: tests failed, see artifacts/coverage/$project.log" >&2; }
  done
  sum_coverage "${projects[@]}"
  [ "$failed" -eq 0 ]
}

# sum_coverage PROJECT…: a line is covered if one project's tests run it; of its branches, as many as the best of them takes.
sum_coverage() {
  (cd "$coverage_out" && find "$@" -name 'coverage.cobertura.xml' -exec cat {} +) | awk -v src="$root/src/" '
    function attribute(name) { return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : "" }
    # File names are relative to what the instrumented projects have in common.
    /<source>/ { base = $0; gsub(/^ *<source>|<\/source>.*$/, "", base) }
    /<class / { file = base attribute("filename") }
    /<line / && index(file, src) == 1 {
      split(substr(file, length(src) + 1), part, "/")
      at = part[1] SUBSEP file SUBSEP attribute("number")
      if (!(at in seen)) { seen[at] = 1; lines[part[1]]++ }
      if (attribute("hits") > 0 && !(at in hit)) { hit[at] = 1; covered[part[1]]++ }
      if (match($0, /\([0-9]+\/[0-9]+\)/)) {
        split(substr($0, RSTART + 1, RLENGTH - 2), count, "/")
        if (!(at in of)) branches[part[1]] += of[at] = count[2]
        if (count[1] > taken[at] + 0) { took[part[1]] += count[1] - taken[at]; taken[at] = count[1] }
      }
    }
    END {
      for (library in lines) printf "%-17s %5.1f %% of %5d lines, %5.1f %% of %5d branches\n", library, 100 * covered[library] / lines[library], lines[library], (branches[library] ? 100 * took[library] / branches[library] : 100), branches[library]
    }' | LC_ALL=C sort
}
