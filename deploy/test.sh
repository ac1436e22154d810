#!/usr/bin/env bash
# All checks and tests, on any machine with Python 3.11+: everything else is set up here, and stopped again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib/all.sh

usage() {
  echo "usage: test.sh [--only-tests] [PYTEST ARGUMENT]...

Format, lint, types, import contracts, then the tests on a real broker (LAUREL_BOOTSTRAP, Docker, or a local one).
  --only-tests  leave out the static checks
The first step that fails ends it, with its exit code."
}

only_tests=""
selection=()
for argument in "$@"; do
  case $argument in
    --help) usage && exit ;;
    --only-tests) only_tests=1 ;;
    *) selection+=("$argument") ;;
  esac
done

on_exit broker_down

heading "environment"
environment_up

if [ -z "$only_tests" ]; then
  step "format" uv run ruff format --check
  step "lint" uv run ruff check
  step "types" uv run mypy
  step "import contracts" uv run lint-imports
fi

# With nothing beside it: what is measured there is CPU time, which others make dearer.
guard=tests/bench/test_step_cost.py
[ ${#selection[@]} -gt 0 ] || step "what an event costs" uv run pytest -q $guard

heading "broker"
broker_up

# Last, and broker_down is silent: what pytest says last is the last that is said. Three at once, since the fault tests
# mostly wait for time-outs; file by file, so that a file's system is made once, and those that take longest first. A
# test that ended its process, as one that waits for ever does, would end the next one too: it is not tried again.
if [ ${#selection[@]} -eq 0 ]; then
  selection=(tests/faults tests/sandbox tests/streams)
  for folder in tests/[a-z]*/; do # not `tests`: of folders that lie in another, pytest takes that one alone, and its order
    [[ " ${selection[*]} " == *" ${folder%/} "* ]] || selection+=("${folder%/}")
  done
  selection+=("--ignore=$guard")
fi
step "tests" uv run pytest -q -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 "${selection[@]}"
