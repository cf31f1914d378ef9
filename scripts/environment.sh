#!/usr/bin/env bash
# Makes .venv and installs the project into it, or says in words what this machine lacks.
#   scripts/environment.sh run    what the catalogue needs to run
#   scripts/environment.sh dev    that, and the tools that check and test it
# PYTHON=/path/to/python chooses the interpreter; versions are those of constraints.txt.
set -eu
cd "$(dirname "$0")/.."
what=${1:-run}

say() { printf '%s\n' "$@" >&2; }

right_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local each
  if [ -n "${PYTHON:-}" ]; then
    right_python "$PYTHON" && echo "$PYTHON" && return
    say "PYTHON=$PYTHON is not a Python 3.11 or later that starts."
    return 1
  fi
  for each in python3.11 python3.12 python3.13 python3 python; do
    if command -v "$each" >/dev/null 2>&1 && right_python "$each"; then echo "$each"; return; fi
  done
  say "Python 3.11 or later is missing." \
      "  Debian, Ubuntu:  apt-get install python3 python3-venv" \
      "  Fedora:          dnf install python3" \
      "  macOS:           brew install python" \
      "If it is there under another name: make … PYTHON=/path/to/python"
  return 1
}

sum_of() { cat pyproject.toml constraints.txt | cksum; }

now=$(sum_of)
for had in "$what" dev; do
  if [ -x .venv/bin/python ] && [ "$(cat ".venv/has-$had" 2>/dev/null || true)" = "$now" ]; then exit 0; fi
done

# A folder that was copied or moved holds an environment that points elsewhere.
if [ -d .venv ] && ! .venv/bin/python -c 'import sys, os; sys.exit(not os.path.samefile(sys.prefix, ".venv"))' 2>/dev/null; then
  say "the environment in .venv does not start here: it is made anew"
  rm -rf .venv
fi
if [ ! -x .venv/bin/python ]; then
  python=$(find_python) || exit 1
  if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "$python has no venv module." "  Debian, Ubuntu:  apt-get install python$version-venv"
    exit 1
  fi
  say "making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi
case $what in run) wanted=. ;; dev) wanted='.[dev]' ;; *) say "usage: $0 run|dev"; exit 2 ;; esac
say "installing what the project needs (the first time takes about a minute)"
# The constraints hold for the build backend too, which pip installs apart.
if ! PIP_CONSTRAINT=constraints.txt .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$wanted"; then
  say "" "pip could not install what the project needs: see its message above." \
      "Without a way to a package index, set one up in pip's own configuration (pip config set global.index-url …)."
  exit 1
fi
echo "$now" >".venv/has-$what"
