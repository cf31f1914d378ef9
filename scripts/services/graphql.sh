#!/usr/bin/env bash
# What the GraphQL tests try our server with, from npm: the audits of graphql-http, the client of graphql-sse, Apollo's gateway with
# what makes another's subgraph, and what makes TypeScript of a schema.
#   scripts/services/graphql.sh install|folder
# Node.js is whichever is here (18 or later).        SERVICES_DIR  where it lives (.services)
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "${SERVICES_DIR:-.services}"
folder=$(realpath "${SERVICES_DIR:-.services}")/graphql
packages=("graphql@16.15.0" "graphql-http@1.23.1" "graphql-sse@2.6.1" "@apollo/gateway@2.14.4" "@apollo/subgraph@2.14.4"
  "@graphql-codegen/cli@5.0.7" "@graphql-codegen/typescript@4.1.6" "@graphql-codegen/typescript-operations@4.6.1" "typescript@5.9.3")
# A tool of graphql-codegen asks for a version of this one that is not always to be had.
overrides='{"private": true, "overrides": {"@graphql-tools/batch-execute": "10.2.0"}}'

say() { printf '%s\n' "$@" >&2; }

installed() {
  command -v node >/dev/null 2>&1 || return 1
  local each
  for each in "${packages[@]}"; do
    grep -qs "\"version\": \"${each##*@}\"" "$folder/node_modules/${each%@*}/package.json" || return 1
  done
}

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
  say "installing ${packages[*]} by npm"
  mkdir -p "$folder"
  rm -rf "$folder/node_modules" "$folder/package-lock.json"
  printf '%s\n' "$overrides" >"$folder/package.json"
  npm install --prefix "$folder" --silent --no-audit --no-fund --save-exact "${packages[@]}" ||
    { say "npm could not install ${packages[*]} into $folder"; return 1; }
  installed || { say "npm installed ${packages[*]}, and yet they are not in $folder"; return 1; }
}

case ${1:-} in
install) install ;;
folder) installed && echo "$folder" ;;
*)
  say "usage: $0 install|folder"
  exit 2
  ;;
esac
