# The Azure Functions app on this machine: ./dev func, and Azurite for the tests of src/DurableFunctions. Read by ./dev, whose names it uses
# (root, config, build, need_dotnet). Progress goes to stderr, what the caller wants to keep to stdout.
# shellcheck shell=bash

functions_data=$POLYPHONY_DATA/functions
azurite_js=$root/tools/azurite/node_modules/azurite/dist/src/azurite.js
azurite_ports='10000 10001 10002'
azurite_pid='' azurite_connection='' azurite_says=--silent host_pid=''

fail() {
  echo "$*" >&2
  exit 3
}

# The folder lies in the data folder, which the tool refuses to use if others may read it and it holds something already.
make_private() { (umask 077 && mkdir -p "$@"); }

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

open_azurite_ports() { local port; for port in $azurite_ports; do if is_open "$port"; then echo "$port"; fi; done; }

# in_group LOG COMMAND…: starts it in a process group of its own, so that Ctrl-C reaches this script alone, and whatever it starts can be ended with it.
in_group() {
  local log=$1
  shift
  set -m
  "$@" </dev/null >"$log" 2>&1 &
  set +m
}

# end PID SECONDS: asks the group to end, and makes it after so many seconds.
end() {
  local i
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || true
  for ((i = 0; i < $2 * 5; i++)); do kill -0 "$1" 2>/dev/null || break; sleep 0.2; done
  kill -KILL -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

need_node() {
  local major
  major=$(node --version 2>/dev/null | sed -nE 's/^v([0-9]+)\..*/\1/p') || true
  [ "${major:-0}" -ge 20 ] && command -v npm >/dev/null 2>&1 ||
    fail "Node.js 20 or newer with npm is missing (for Azurite, the storage): install it from https://nodejs.org and run this again."
}

install_azurite() {
  local wanted
  wanted=$(sed -nE 's/.*"azurite": "([^"]+)".*/\1/p' "$root/tools/azurite/package.json")
  if [ ! -f "$azurite_js" ] || ! grep -q "\"version\": \"$wanted\"" "$root/tools/azurite/node_modules/azurite/package.json"; then
    echo "Installing Azurite $wanted into tools/azurite (once; some 370 MB) …" >&2
    # No script of a package needs to run. The engine it asks for is newer than the one it works on.
    (cd "$root/tools/azurite" && npm ci --ignore-scripts --engine-strict=false --loglevel=error >"$functions_data/npm.log" 2>&1)
  fi
}

need_azurite() {
  need_node
  install_azurite || { echo "Azurite can't be installed: npm ci failed, see $functions_data/npm.log." >&2; return 1; }
}

# start_azurite ARGUMENT…: where its data goes, and its ports if they are not the usual ones. It listens on loopback only.
start_azurite() {
  local i
  in_group "$functions_data/azurite.log" node "$azurite_js" $azurite_says --disableTelemetry --skipApiVersionCheck "$@"
  azurite_pid=$!
  for ((i = 0; i < 150; i++)); do
    [ "$(open_azurite_ports | wc -l)" -lt 3 ] || return 0
    kill -0 "$azurite_pid" 2>/dev/null || return 1
    sleep 0.2
  done
  return 1
}

# with_azurite ARGUMENT…: takes the one that runs, or starts one.
with_azurite() {
  local taken
  taken=$(open_azurite_ports | tr '\n' ' ')
  if [ "$taken" = "$azurite_ports " ]; then
    echo "Azurite: what listens on ports $azurite_ports" >&2
  elif [ -n "$taken" ]; then
    echo "Azurite needs the ports $azurite_ports; something else listens on ${taken% }: stop it." >&2
    return 1
  else
    need_azurite || return 1
    start_azurite "$@" || { echo "Azurite did not start, see $functions_data/azurite.log." >&2; return 1; }
  fi
}

# One for this process alone: in memory, on ports that are free, with an account and a key made up for it. Sets azurite_connection.
start_own_azurite() {
  local try port key service
  need_azurite || return 1
  key=$(head -c 64 /dev/urandom | base64 -w 0)
  for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 10000))
    azurite_ports="$port $((port + 1)) $((port + 2))"
    [ -z "$(open_azurite_ports)" ] || continue
    if AZURITE_ACCOUNTS="tests:$key" start_azurite --inMemoryPersistence --blobPort $port --queuePort $((port + 1)) --tablePort $((port + 2)); then
      azurite_connection="DefaultEndpointsProtocol=http;AccountName=tests;AccountKey=$key"
      for service in Blob Queue Table; do azurite_connection+=";${service}Endpoint=http://127.0.0.1:$port/tests"; port=$((port + 1)); done
      return 0
    fi
    end "$azurite_pid" 10
    azurite_pid=''
  done
  echo "Azurite did not start, see $functions_data/azurite.log." >&2
  return 1
}

stop_all() {
  trap '' INT TERM
  trap - EXIT
  [ -z "$host_pid$azurite_pid" ] || echo "Stopping …" >&2
  end "$host_pid" 20
  end "$azurite_pid" 10
}

# The settings file's values for a host that doesn't read it; what is set already stays, as with Core Tools.
export_settings() {
  local name value
  while IFS= read -r -d '' name && IFS= read -r -d '' value; do
    [ -n "${!name+set}" ] || export "$name=$value"
  done < <(node -e '
    for (const [name, value] of Object.entries(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).Values ?? {}))
      if (/^[A-Za-z_]\w*$/.test(name)) process.stdout.write(name + "\0" + value + "\0");' "$root/local.settings.json")
}

# start_host PORT APP: Core Tools if they are there, else the host that was named.
start_host() {
  local port=$1 app=$2
  # With it, a host believes that it runs in a container of Azure's.
  unset CONTAINER_NAME
  cd "$app"
  if [ -z "${POLYPHONY_FUNCTIONS_HOST:-}" ]; then
    # In the folder of the built app there is no project, so that nothing is built again.
    in_group "$functions_data/host.log" func start --port "$port"
  else
    export_settings
    export AzureWebJobsScriptRoot=$app ASPNETCORE_URLS=http://127.0.0.1:$port WEBSITE_HOSTNAME=127.0.0.1:$port
    export AZURE_FUNCTIONS_ENVIRONMENT=${AZURE_FUNCTIONS_ENVIRONMENT:-Development} AzureFunctionsJobHost__logging__console__isEnabled=true
    export AzureWebJobsSecretStorageType=files FUNCTIONS_SECRETS_PATH=$functions_data/keys FUNCTIONS_LOG_PATH=$functions_data/logs
    export FUNCTIONS_TEST_DATA_PATH=$functions_data/test-data FUNCTIONS_EXTENSION_VERSION='~4'
    cd "$(dirname "$POLYPHONY_FUNCTIONS_HOST")"
    in_group "$functions_data/host.log" dotnet "$POLYPHONY_FUNCTIONS_HOST"
  fi
  host_pid=$!
  cd "$root"
}

# wait_for_host URL: until it answers, for at most 3 minutes. Health lies below the prefix that the app's host.json sets; without one, that is "api".
wait_for_host() {
  local begun=$SECONDS said=0
  echo "Starting the Functions host; log: $functions_data/host.log" >&2
  until curl -sf -o /dev/null --max-time 5 "$1/healthz/live" || curl -sf -o /dev/null --max-time 5 "$1/api/healthz/live"; do
    kill -0 "$host_pid" 2>/dev/null || host_failed "The Functions host has ended before it could serve."
    [ $((SECONDS - begun)) -lt 180 ] || host_failed "The Functions host does not answer at $1/healthz/live after 3 minutes."
    if [ $((SECONDS - begun - said)) -ge 5 ]; then said=$((SECONDS - begun)); echo "  waiting for $1/healthz/live … $said s" >&2; fi
    sleep 0.5
  done
}

host_failed() {
  tail -n 20 "$functions_data/host.log" >&2
  fail "$1 The end of its log is above; all of it is in $functions_data/host.log."
}

# host_key FILE: the default function key in a host's file of keys.
host_key() {
  node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8").replace(/^\uFEFF/, "")).functionKeys.find(key => key.name === "default").value' "$1"
}

# print_urls URL: what can be done now. Core Tools ask for no keys on this machine.
print_urls() {
  local key='' keys=$functions_data/keys/host.json
  if [ -n "${POLYPHONY_FUNCTIONS_HOST:-}" ] && [ -f "$keys" ]; then
    key=$(host_key "$keys")
  fi
  cat <<EOF
Polyphony on Azure Functions serves $1/
  workflows    $1/api/workflows
  instances    $1/api/instances   (described at $1/openapi/v1.json)
  log          $functions_data/host.log
EOF
  [ -z "$key" ] || echo "  key          functionKeys in $keys, as the header x-functions-key (all but the health checks)"
  cat <<EOF
Try:
  curl -sS $1/api/workflows${key:+ -H 'x-functions-key: $key'}
  curl -sS '$1/api/workflows/hello/instances?wait=30'${key:+ -H 'x-functions-key: $key'} -H 'Content-Type: application/json' -d '{ "input": { "name": "Ada" } }'
Ctrl-C stops it; unfinished runs go on with the next start.
EOF
}

run_func() {
  local port=7071 project=${FUNCTIONS_APP:-src/Functions} url app
  while [ $# -gt 0 ]; do
    case "$1" in
      --port) [[ "${2:-}" =~ ^[0-9]{1,5}$ ]] && [ "$2" -ge 1 ] && [ "$2" -le 65535 ] || fail "--port takes a number from 1 to 65535."; port=$2 && shift 2 ;;
      *) echo "usage: ./dev func [--port 7071]" >&2 && exit 2 ;;
    esac
  done
  url=http://127.0.0.1:$port
  [ -n "$(find "$root/$project" -maxdepth 1 -name '*.csproj' 2>/dev/null)" ] || fail "FUNCTIONS_APP names \"$project\", and no project is there: give a folder of this repository, such as samples/FunctionsApp."
  app=$root/$project/bin/$config/net10.0

  need_dotnet
  need_node
  command -v curl >/dev/null 2>&1 || fail "curl is missing: install it and run this again."
  if [ -n "${POLYPHONY_FUNCTIONS_HOST:-}" ]; then
    [ -f "$POLYPHONY_FUNCTIONS_HOST" ] || fail "POLYPHONY_FUNCTIONS_HOST names \"$POLYPHONY_FUNCTIONS_HOST\", which is not there: give the path of Microsoft.Azure.WebJobs.Script.WebHost.dll."
  elif ! func --version 2>/dev/null | grep -q '^4\.'; then
    fail "Azure Functions Core Tools v4 are missing: npm install -g azure-functions-core-tools@4 (or name a host's Microsoft.Azure.WebJobs.Script.WebHost.dll in POLYPHONY_FUNCTIONS_HOST)."
  fi
  ! is_open "$port" || fail "Port $port is in use: stop what listens there, or take another: ./dev func --port $((port < 65535 ? port + 1 : 7071))"

  make_private "$functions_data/keys" "$root/.azurite"
  if [ ! -f "$root/local.settings.json" ]; then
    cp "$root/local.settings.sample.json" "$root/local.settings.json"
    echo "Made local.settings.json from the sample; it is yours to change." >&2
  fi
  build "functions-$(basename "$project")" "$(cd "$root" && echo "$project"/*.csproj)" src samples docs host.json local.settings.json README.md

  trap 'stop_all; exit 0' INT TERM
  trap stop_all EXIT
  if [ "$(export_settings && echo "${AzureWebJobsStorage:-}")" = UseDevelopmentStorage=true ]; then
    with_azurite --location "$root/.azurite" || exit 3
  fi
  start_host "$port" "$app"
  wait_for_host "$url"
  print_urls "$url"
  wait "$host_pid" || true
  host_failed "The Functions host has ended."
}
