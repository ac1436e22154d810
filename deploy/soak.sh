#!/usr/bin/env bash
# Every fault of tests/faults/table.py at random, on three brokers under load, then a recount: see tests/faults/soak.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib/all.sh

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "$1" = --help ]; then
  echo "usage: soak.sh MINUTES [SEED]

Three workers on three brokers are hurt in every way that deploy/runbooks/faults.md lists, one way every 20 seconds, under
half of the load at least that they can bear; the same seed deals the same faults. Before that a minute goes into measuring
what they can bear, and afterwards some into the recount. The last line is the run in numbers; the exit code is 1 if
anything was lost, doubled or different, came back late, went unseen, or grew."
  [ "${1:-}" = --help ]
  exit
fi

on_exit true

heading "environment"
environment_up
need_java_and_maven

step "soak" uv run python tests/faults/soak.py "$@"
