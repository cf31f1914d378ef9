#!/usr/bin/env bash
# A private PostgreSQL (15 or later) for tests and benches, on 127.0.0.1 only.
#   scripts/services/postgresql.sh install|start|stop|status
# After start its address is printed and stands in .services/postgresql.address, where the tests look for it.
# SERVICES_DIR  where it lives (.services)          PG_PORT     its port (the first free one from 5433)
# PG_DURABLE=1  with fsync: for benches and kill tests; the default gives durability away for speed
# PG_USER       who runs it when root starts it (svc), since PostgreSQL refuses root
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "${SERVICES_DIR:-.services}"
services=$(realpath "${SERVICES_DIR:-.services}")
user=${PG_USER:-svc}
address=$services/postgresql.address

say() { printf '%s\n' "$@" >&2; }
root() { [ "$(id -u)" = 0 ]; }
as() { if root; then runuser -u "$user" -- "$@"; else "$@"; fi; }

find_programs() {
  local each
  for each in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -rV) "$(dirname "$(command -v pg_ctl 2>/dev/null || echo /nowhere/x)")"; do
    if [ -x "$each/initdb" ] && [ -x "$each/postgres" ]; then
      [ "$("$each/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 15 ] && echo "$each" && return
    fi
  done
  return 1
}

install() {
  find_programs >/dev/null && return
  if root && command -v apt-get >/dev/null 2>&1; then
    say "installing PostgreSQL by apt-get"
    # Debian would start a cluster of its own at once: it is told not to make one.
    mkdir -p /etc/postgresql-common
    grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
      echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf
    get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql >/dev/null; }
    get 2>/dev/null || { apt-get update -q >/dev/null; get; }
    find_programs >/dev/null && return
  fi
  say "PostgreSQL 15 or later is missing." \
      "  Debian, Ubuntu:  apt-get install postgresql     (root: \`make services\` does it itself)" \
      "  Fedora:          dnf install postgresql-server" \
      "  macOS:           brew install postgresql@16     and its bin folder on PATH" \
      "Or name a server of yours, whose user may create databases, in CATALOG_TEST_POSTGRESQL."
  return 1
}

# Where the cluster lies: beside the project, unless the user that runs it cannot get there (a checkout under /root).
place() {
  folder=$services/postgresql
  if root; then
    id "$user" >/dev/null 2>&1 || useradd --create-home "$user"
    mkdir -p "$folder" && chown "$user" "$folder"
    if ! runuser -u "$user" -- test -w "$folder"; then
      folder=/var/tmp/musubi-postgresql-$(printf %s "$services" | cksum | cut -d' ' -f1)
      mkdir -p "$folder" && chown "$user" "$folder"
    fi
  else
    mkdir -p "$folder"
  fi
  data=$folder/data
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
  install
  bin=$(find_programs)
  place
  if as "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then
    port=$(sed -n 4p "$data/postmaster.pid")
  else
    port=${PG_PORT:-5433}
    if [ -n "${PG_PORT:-}" ] && taken "$port"; then say "port $port is taken by something else: choose another with PG_PORT"; return 1; fi
    while taken "$port"; do port=$((port + 1)); done
    [ -f "$data/PG_VERSION" ] || as "$bin/initdb" -D "$data" -U ci -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$services/postgresql.initdb" 2>&1 ||
      { say "PostgreSQL could not make its folder:"; cat "$services/postgresql.initdb" >&2; return 1; }
    durable="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    [ -z "${PG_DURABLE:-}" ] || durable="-c fsync=on"
    # No socket file: its path may be at most 107 bytes long, and a checkout's may be longer.
    as "$bin/pg_ctl" -D "$data" -l "$folder/log" -w -t 60 -o "-h 127.0.0.1 -p $port -c unix_socket_directories='' \
      -c shared_buffers=128MB -c max_connections=200 -c jit=off $durable" start >/dev/null ||
      { say "PostgreSQL does not start; the end of its log:"; tail -20 "$folder/log" >&2; return 1; }
  fi
  echo "postgresql://ci@127.0.0.1:$port" >"$address"
  cat "$address"
}

case ${1:-} in
install) install ;;
start) start ;;
stop)
  place
  if bin=$(find_programs) && as "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then
    as "$bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null
  fi
  rm -f "$address"
  ;;
status)
  place
  if bin=$(find_programs) && as "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then cat "$address"; else echo "not running"; exit 3; fi
  ;;
*)
  say "usage: $0 install|start|stop|status"
  exit 2
  ;;
esac
