# ./dev bench functions: the Azure Functions app beside a hand-written one, in turns, on one host and one Azurite. Read by ./dev, after tools/func.sh.
# shellcheck shell=bash

bench_usage='usage: ./dev bench functions [--quick] [--rounds N]     in turns, 3 rounds unless told; on the Functions host that POLYPHONY_FUNCTIONS_HOST names, else in one process without a host'

# run_app APP-FOLDER HUB SHAPE=COUNT…: a host on it, a warm-up, and the measurements.
run_app() {
  local app=$1 hub=$2 port url key='' keys
  shift 2
  port=$((30000 + RANDOM % 10000))
  url=http://127.0.0.1:$port
  export TASKHUB_NAME=$hub
  start_host "$port" "$app"
  wait_for_host "$url"
  keys=$functions_data/keys/host.json
  if [ -n "${POLYPHONY_FUNCTIONS_HOST:-}" ]; then
    for _ in $(seq 50); do [ -f "$keys" ] && break; sleep 0.2; done
    key=$(host_key "$keys")
  fi
  node "$bench/measure.mjs" "$url" "$functions_data/azurite.log" "$key" "$warm" >/dev/null
  node "$bench/measure.mjs" "$url" "$functions_data/azurite.log" "$key" "$@" | tee -a "$results" | sed 's/^/  /' >&2
  end "$host_pid" 5
  host_pid=''
}

# An emulator whose log counts the requests, and the workflows that are measured.
start_bench_storage() {
  trap stop_all EXIT
  trap 'exit 130' INT TERM
  azurite_says=''
  start_own_azurite || exit 3
  rm -f "$functions_data"/bench/* "$results"
  node "$bench/measure.mjs" --workflows "$functions_data/bench" 100 "$long"
}

# Without a host: Durable Task's worker and storage provider in one process. Shorter, since that stack does not renew what it holds for long.
bench_in_process() {
  long=200 wide=200
  start_bench_storage
  for ((round = 1; round <= rounds; round++)); do
    echo "Round $round of $rounds" >&2
    POLYPHONY_TEST_STORAGE=$azurite_connection dotnet "$(test_assembly DurableFunctions.Tests)" bench "$functions_data/bench" "$functions_data/azurite.log" \
      hand/sequence=20 fanout-tools=20 hand/sequence=100 "hand/sequence=$long" "hand/fanout=$wide" \
      agents-100=100 tools-100=100 "agents-$long=$long" "tools-$long=$long" "fanout-agents=$wide" "fanout-tools=$wide" "fanout-agents-10=$wide" |
      tail -n +3 | tee -a "$results" | sed 's/^/  /' >&2
  done
  echo "In one process, without a Functions host: Durable Task's worker and Azure Storage provider on Azurite; medians of $rounds. Name a host in POLYPHONY_FUNCTIONS_HOST to measure the app."
  node "$bench/table.mjs" "$results"
}

bench_functions() {
  local rounds=3 long=1000 wide=1000 round
  local bench=$root/tests/Benchmarks/Functions results=$root/artifacts/dev/functions-bench.jsonl warm
  while [ $# -gt 0 ]; do
    case "$1" in
      --quick) rounds=1 long=200 wide=200; shift ;;
      --rounds) [[ "${2:-}" =~ ^[1-9][0-9]?$ ]] || { echo "--rounds takes a number from 1 to 99." >&2; exit 2; }; rounds=$2; shift 2 ;;
      *) echo "$bench_usage" >&2; exit 2 ;;
    esac
  done
  need_dotnet
  mkdir -p "$functions_data/keys" "$functions_data/bench" "$root/artifacts/dev"
  if [ -z "${POLYPHONY_FUNCTIONS_HOST:-}" ]; then
    build_tests
    bench_in_process
    return
  fi
  build functions-bench tests/Benchmarks/Functions/HandWritten/HandWritten.csproj tests/Benchmarks/Functions host.json
  build functions src/Functions/Functions.csproj src samples docs host.json
  [ -f "$root/local.settings.json" ] || cp "$root/local.settings.sample.json" "$root/local.settings.json"
  start_bench_storage
  export AzureWebJobsStorage=$azurite_connection POLYPHONY_WORKFLOWS=$functions_data/bench POLYPHONY_FILES=$functions_data/bench
  for ((round = 1; round <= rounds; round++)); do
    echo "Round $round of $rounds: hand-written" >&2
    warm=hand/sequence=20
    run_app "$bench/HandWritten/bin/$config/net10.0" "hand$round" hand/sequence=100 "hand/sequence=$long" "hand/fanout=$wide"
    echo "Round $round of $rounds: Polyphony" >&2
    warm=fanout-tools=20
    run_app "$root/src/Functions/bin/$config/net10.0" "polyphony$round" \
      agents-100=100 tools-100=100 "agents-$long=$long" "tools-$long=$long" "fanout-agents=$wide" "fanout-tools=$wide" "fanout-agents-10=$wide"
  done
  echo "On the Functions host $POLYPHONY_FUNCTIONS_HOST, Azurite, and the host.json of this app; medians of $rounds."
  node "$bench/table.mjs" "$results"
}
