#!/usr/bin/env bash
# A Keycloak from Maven Central for tests, on 127.0.0.1 only, with the realm of tests/service/issuers/realm.json; it forgets all else when it ends.
#   scripts/services/keycloak.sh install|start|stop|status
# After start its issuer is printed and stands in .services/keycloak.address, where the tests look for it.
# SERVICES_DIR  where it lives (.services)          KC_PORT     its port (the first free one from 8180)
# KC_HEAP       its memory (384m)
# Its administrator, for the admin API of this private server: admin, password admin.
set -eu
cd "$(dirname "$0")/../.."
project=$PWD
mkdir -p "${SERVICES_DIR:-.services}"
services=$(realpath "${SERVICES_DIR:-.services}")
version=26.4.7
home=$services/keycloak-$version
address=$services/keycloak.address
pid=$services/keycloak.pid
log=$services/keycloak.log
# The second compiler costs more at the start of so short a life than it gives back.
export JAVA_OPTS_APPEND="-XX:TieredStopAtLevel=1" JAVA_OPTS_KC_HEAP="-Xms128m -Xmx${KC_HEAP:-384m}"

say() { printf '%s\n' "$@" >&2; }
lacking() {
  command -v mvn >/dev/null 2>&1 || echo maven
  command -v curl >/dev/null 2>&1 || echo curl
  local java
  java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') || true
  [ "${java:-0}" -ge 17 ] || echo default-jre-headless
}

install() {
  [ ! -f "$home/built" ] || { [ -n "$(lacking)" ] || return 0; }
  local wanted
  wanted=$(lacking)
  if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing" $wanted "by apt-get"
    get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $wanted >/dev/null; }
    get 2>/dev/null || { apt-get update -q >/dev/null; get; }
  fi
  if [ -n "$(lacking)" ]; then
    say "Java 17 or later, Maven or curl is missing." \
        "  Debian:  apt-get install default-jre-headless maven curl     (root: \`make services\` does it itself)" \
        "  Fedora:  dnf install java-21-openjdk-headless maven curl" \
        "  macOS:   brew install maven"
    return 1
  fi
  if [ -f "$home/built" ]; then return; fi
  say "installing Keycloak $version by Maven"
  local half=$services/keycloak.half
  rm -rf "$half" "$home" && mkdir -p "$half"
  (cd "$half" && mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack -DoutputDirectory=. -DmarkersDirectory=markers \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" >"$log" 2>&1) || { say "Maven could not bring Keycloak:"; tail -20 "$log" >&2; return 1; }
  mv "$half/keycloak-$version" "$home" && rm -rf "$half"
  "$home/bin/kc.sh" build --db=dev-mem >"$log" 2>&1 || { say "Keycloak could not be built:"; tail -20 "$log" >&2; return 1; }
  touch "$home/built"
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
ours() { [ -f "$pid" ] && kill -0 -- "-$(cat "$pid")" 2>/dev/null; }
answers() { curl -sf -o /dev/null "$1/.well-known/openid-configuration"; }

start() {
  install
  if ! ours; then
    local port=${KC_PORT:-8180}
    if [ -n "${KC_PORT:-}" ] && taken "$port"; then say "port $port is taken by something else: choose another with KC_PORT"; return 1; fi
    while taken "$port"; do port=$((port + 1)); done
    rm -f "$address"
    mkdir -p "$home/data/import"
    cp "$project/tests/service/issuers/realm.json" "$home/data/import/catalog-realm.json"
    (
      cd "$home"
      export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
      exec setsid bin/kc.sh start --optimized --cache=local --import-realm --http-enabled=true --http-host=127.0.0.1 --http-port="$port" \
        --hostname="http://127.0.0.1:$port"
    ) >"$log" 2>&1 </dev/null &
    echo $! >"$pid"
    local issuer=http://127.0.0.1:$port/realms/catalog until=$((SECONDS + 300))
    until answers "$issuer"; do
      if ! ours || [ "$SECONDS" -ge "$until" ]; then
        say "Keycloak does not start; the end of its log:"
        tail -20 "$log" >&2
        stop
        return 1
      fi
      sleep 0.2
    done
    echo "$issuer" >"$address"
  fi
  cat "$address"
}

# kc.sh stays the parent of its Java: both are of the group that setsid made, and the group is what runs and ends.
stop() {
  if ours; then
    kill -- "-$(cat "$pid")" 2>/dev/null || true
    for _ in $(seq 200); do ours || break; sleep 0.1; done
    if ours; then kill -9 -- "-$(cat "$pid")"; fi
  fi
  rm -f "$pid" "$address"
}

case ${1:-} in
install) install ;;
start) start ;;
stop) stop ;;
status) if ours && [ -f "$address" ] && answers "$(cat "$address")"; then cat "$address"; else echo "not running"; exit 3; fi ;;
*)
  say "usage: $0 install|start|stop|status"
  exit 2
  ;;
esac
