#!/usr/bin/env bash
# The main job on real purchases, on any machine with Python 3.11+: everything else is set up here, and stopped again.
set -euo pipefail
CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib/steps.sh
. deploy/lib/packages.sh
. deploy/lib/environment.sh
. deploy/lib/broker.sh

CDNOW=$WORK/data/CDNOW_master.txt
CDNOW_PURCHASES=69659

usage() {
  echo "usage: demo.sh [--keep] [--history FILE]

Replays a shop's purchase history through laurel and shows what it decided, and why.
  --keep          leave broker and worker up, and print how to look around
  --history FILE  another history in the shape of CDNOW's: customer, YYYYMMDD, number of items, amount"
}

# fetch_history: have CDNOW's purchases in .laurel/data/. The wheel alone is installed: it carries the file, and its
# dependencies are of no use here.
fetch_history() {
  local wheel=$WORK/data/lifetimes
  if [ ! -f "$CDNOW" ]; then
    _quietly uv pip install --python "$PYTHON" --no-deps --target "$wheel" lifetimes==0.11.3 || return 1
    mv "$wheel/lifetimes/datasets/CDNOW_master.txt" "$CDNOW"
    rm -rf "$wheel"
  fi
  local purchases
  purchases=$(grep -c '^ *[0-9]' "$CDNOW" || true) # below a line of headings
  if [ "$purchases" != "$CDNOW_PURCHASES" ]; then
    note "$CDNOW holds $purchases purchases instead of $CDNOW_PURCHASES: remove it and call this again."
    return 1
  fi
}

# run_demo HISTORY: the demo itself, with a broker at LAUREL_BOOTSTRAP and files below LAUREL_RUN.
run_demo() {
  note "not yet: $1"
  return 1
}

finish() {
  if [ -n "$keep" ] && [ -n "${LAUREL_BOOTSTRAP:-}" ] && [ -d "${LAUREL_RUN:-}" ]; then
    broker_keep
    note "
Kept: the broker at $LAUREL_BOOTSTRAP, files in $LAUREL_RUN
  export LAUREL_BOOTSTRAP=$LAUREL_BOOTSTRAP
  bash deploy/broker/broker.sh status    what runs
  bash deploy/broker/broker.sh stop      ends it all"
  else
    broker_down
  fi
}

keep=""
history=""
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage && exit ;;
    --keep) keep=1 ;;
    --history)
      [ $# -ge 2 ] || { usage >&2 && exit 2; }
      case $2 in
        /*) history=$2 ;;
        *) history=$CALLED_FROM/$2 ;;
      esac
      [ -f "$history" ] || { note "There is no file $2." && exit 2; }
      shift
      ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done

on_exit finish

heading "environment"
environment_up

if [ -z "$history" ]; then
  heading "purchase history"
  fetch_history
  history=$CDNOW
fi

heading "broker"
broker_up

run_demo "$history"
