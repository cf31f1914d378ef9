#!/usr/bin/env bash
# Two OpenID providers (npm oidc-provider, a certified library) on 127.0.0.1, to try sign-in by hand; and what tests start their own from.
#   scripts/services/oidc.sh install|start|stop|status|node
# Tests start each issuer themselves (tests/service/issuers) with what `install` brings into .services/oidc; `node` tells the Node.js for it.
# SERVICES_DIR  where it lives (.services)          OIDC_PORTS  their ports ("9001 9002")
# Who can sign in, and as which client, is written in tests/service/issuers/settings.json.
set -eu
cd "$(dirname "$0")/../.."
project=$PWD
mkdir -p "${SERVICES_DIR:-.services}"
folder=$(realpath "${SERVICES_DIR:-.services}")/oidc
ports=${OIDC_PORTS:-9001 9002}
version=9.13.3
node_version=22.23.3

say() { printf '%s\n' "$@" >&2; }

# The library supports Node.js 22 and later; Debian 12 has 18.
find_node() {
  local each
  for each in node "$folder/node_modules/.bin/node"; do
    if command -v "$each" >/dev/null 2>&1 && [ "$("$each" -p 'process.versions.node.split(".")[0]')" -ge 22 ]; then
      command -v "$each" && return
    fi
  done
  return 1
}

installed() { grep -qs "\"version\": \"$version\"" "$folder/node_modules/oidc-provider/package.json" && find_node >/dev/null; }

install() {
  if installed; then return; fi
  if ! command -v npm >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      say "installing npm by apt-get"
      get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm >/dev/null; }
      get 2>/dev/null || { apt-get update -q >/dev/null; get; }
    else
      say "npm is missing." \
          "  Debian:  apt-get install npm     (root: \`make services\` does it itself)" \
          "  Fedora:  dnf install nodejs-npm" \
          "  macOS:   brew install node"
      return 1
    fi
  fi
  say "installing oidc-provider $version by npm"
  mkdir -p "$folder"
  local wanted=("oidc-provider@$version")
  find_node >/dev/null || wanted+=("node@$node_version")
  npm install --prefix "$folder" --silent --no-audit --no-fund --save-exact "${wanted[@]}" ||
    { say "npm could not install ${wanted[*]} into $folder"; return 1; }
  installed || { say "npm installed ${wanted[*]}, and yet it is not in $folder"; return 1; }
}

answers() { curl -sf -o /dev/null "http://127.0.0.1:$1/.well-known/openid-configuration"; }
ours() { [ -f "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }
running() { local each; for each in $ports; do ours "$each" && answers "$each" || return 1; done; }

start() {
  install
  local node each
  node=$(find_node)
  for each in $ports; do
    ours "$each" && continue
    (cd "$folder" && exec setsid "$node" "$project/tests/service/issuers/provider.mjs" "$project/tests/service/issuers/settings.json" "$each") \
      >"$folder/$each.log" 2>&1 </dev/null &
    echo $! >"$folder/$each.pid"
  done
  for each in $ports; do
    for _ in $(seq 100); do
      ours "$each" || break
      if answers "$each"; then echo "http://127.0.0.1:$each"; continue 2; fi
      sleep 0.1
    done
    say "the issuer on port $each does not start (OIDC_PORTS chooses others); the end of its log:"
    tail -20 "$folder/$each.log" >&2
    return 1
  done
}

case ${1:-} in
install) install ;;
start) start ;;
stop)
  for each in $ports; do
    if ours "$each"; then kill "$(cat "$folder/$each.pid")"; fi
    rm -f "$folder/$each.pid"
  done
  ;;
status) if running; then for each in $ports; do echo "http://127.0.0.1:$each"; done; else echo "not running"; exit 3; fi ;;
node) installed && find_node ;;
*)
  say "usage: $0 install|start|stop|status|node"
  exit 2
  ;;
esac
