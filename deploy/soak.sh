#!/usr/bin/env bash
# Faults at random on three brokers, and a recount of everything after each round: see tests/faults/soak.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib/all.sh

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "$1" = --help ]; then
  echo "usage: soak.sh MINUTES [SEED]

Workers are killed, frozen and crashed, brokers killed and paused, at random for so many minutes; the same seed draws the
same faults. The last line is the run in numbers; the exit code is 1 if anything was lost, doubled or different.
The brokers are three local ones, or with LAUREL_BOOTSTRAP those that it names, which are not hurt."
  [ "${1:-}" = --help ]
  exit
fi

on_exit true

heading "environment"
environment_up
[ -n "${LAUREL_BOOTSTRAP:-}" ] || need_java_and_maven

step "soak" uv run python tests/faults/soak.py "$@"
