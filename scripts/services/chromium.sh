#!/usr/bin/env bash
# A Chromium for the tests in tests/browser: whichever is here, else Debian's by apt-get as root.
#   scripts/services/chromium.sh install|path
# CATALOG_TEST_BROWSER names another one.
set -eu

say() { printf '%s\n' "$@" >&2; }

find_browser() {
  local each
  for each in "${CATALOG_TEST_BROWSER:-}" chromium chromium-browser google-chrome-stable google-chrome; do
    if [ -n "$each" ] && command -v "$each" >/dev/null 2>&1; then command -v "$each" && return; fi
  done
  return 1
}

install() {
  find_browser >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing Chromium by apt-get"
    # A page in Japanese is laid out with whatever font there is; the tests measure nothing.
    get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium >/dev/null; }
    get 2>/dev/null || { apt-get update -q >/dev/null; get; }
    find_browser >/dev/null && return
  fi
  say "Chromium is missing." \
      "  Debian:  apt-get install chromium     (root: \`make services\` does it itself)" \
      "  Fedora:  dnf install chromium" \
      "  macOS:   brew install --cask chromium" \
      "Or name a browser of that family in CATALOG_TEST_BROWSER."
  return 1
}

case ${1:-} in
install) install ;;
path) find_browser ;;
*)
  say "usage: $0 install|path"
  exit 2
  ;;
esac
