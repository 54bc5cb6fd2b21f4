#!/usr/bin/env bash
# Starts everything on this machine until Ctrl-C: what is missing is installed, servers that are not configured are
# started. The same as `make run`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec make run
