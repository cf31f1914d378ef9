#!/usr/bin/env bash
# Renews constraints.txt: installs the newest versions that pyproject.toml allows into an empty environment and writes them down.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check '.[dev]'
{
  echo "# What was tested: exact versions of everything that is installed, tools included. Renewed by \`make constraints\`."
  "$folder/bin/pip" freeze | grep -v '^musubi-catalog'
} >constraints.txt.new
mv constraints.txt.new constraints.txt
