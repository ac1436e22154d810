#!/usr/bin/env bash
# `laurel sandbox` on any machine with Python 3.11+: everything else is set up here; the sandbox stops what it starts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib/all.sh

environment_up
_broker docker || need_java_and_maven
exec "$ROOT/.venv/bin/laurel" sandbox "$@"
