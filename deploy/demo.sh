#!/usr/bin/env bash
# The main job on real purchases, on any machine with Python 3.11+: everything else is set up here, and stopped again.
set -euo pipefail
CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib/all.sh

CDNOW=$WORK/data/CDNOW_master.txt
CDNOW_PURCHASES=69659
POLICY=deploy/demo/policy.yaml

usage() {
  echo "usage: demo.sh [--keep] [--history FILE]

Replays a shop's purchase history through laurel and shows what it decided, and why.
  --keep          leave broker and worker up, and print how to look around
  --history FILE  another history in the shape of CDNOW's: customer, YYYYMMDD, number of items, amount"
}

# fetch_history: have CDNOW's purchases in .laurel/data/. The wheel alone is installed: it carries the file, and its
# dependencies are of no use here.
fetch_history() {
  local wheel=$WORK/data/lifetimes-$$ # another run may be fetching too
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
  local history=$1 files=$LAUREL_RUN/demo events unequal=0

  step "events" "$PYTHON" -m deploy.demo.generate --history "$history" --policy $POLICY --into "$files"
  worker_settings "$files"
  events=$(recorded "$files/generated.json" events)

  heading "topics"
  attend "$LAUREL" topics create --partitions 4 --policy $POLICY 2>>"$LAUREL_RUN/topics.log" || {
    tail -n 20 "$LAUREL_RUN/topics.log" >&2
    return 1
  }
  # All of it before the worker starts: the log's time comes from the events, and the merge must see the earliest.
  step "publishing" "$LAUREL" publish "$files/events.jsonl"

  heading "worker"
  worker_up
  [ -z "$keep" ] || watch_worker
  attend "$PYTHON" -m deploy.demo.progress --events "$events" --pid "$WORKER" --into "$files/measured.json" || {
    note "The worker did not get through. The end of its log:"
    tail -n 30 "$LAUREL_RUN/worker.log" >&2
    return 1
  }

  heading "report"
  attend "$PYTHON" -m deploy.demo.dumping "$files"
  attend "$PYTHON" -m deploy.demo.report "$files"

  heading "verification: everything is folded again, and again elsewhere"
  attend "$LAUREL" verify --json >"$files/verify.json" || true # the last line tells

  heading "recount: everything once more, by a script that knows nothing of laurel"
  attend "$PYTHON" -I -S deploy/demo/recount.py --history "$history" --synthetic "$files"/synthetic-seed-*.jsonl \
    --policy "$files/policy.json" --profiles "$files/customer-profiles.jsonl" --ticks "$files/timeline.jsonl" \
    --dead-letters "$files/dead-letters.jsonl" --max-jump-days "$LAUREL_MAX_JUMP_DAYS" --zones "$(zones)" \
    >"$files/recount.json" || unequal=$?
  [ $unequal -le 1 ] || note "The recount itself failed."

  attend "$PYTHON" -m deploy.demo.report "$files" --last
}

# worker_settings FILES: the environment of everything that follows: nobody else's topics, groups and tables.
worker_settings() {
  LAUREL=$ROOT/.venv/bin/laurel
  LAUREL_NAMESPACE=demo-$(date +%s)-$$- # pids come again
  LAUREL_INSTANCE=demo
  LAUREL_AGENTS=intake,customers
  LAUREL_DATA_DIR=$LAUREL_RUN/tables
  LAUREL_CLOCK=events
  LAUREL_TIME_ZONE=$(recorded "$1/policy.json" time_zone)
  LAUREL_MAX_JUMP_DAYS=$(recorded "$1/generated.json" max_jump_days)
  LAUREL_HEALTH_PORT=$(_broker port)
  export LAUREL_NAMESPACE LAUREL_INSTANCE LAUREL_AGENTS LAUREL_DATA_DIR LAUREL_CLOCK LAUREL_TIME_ZONE
  export LAUREL_MAX_JUMP_DAYS LAUREL_HEALTH_PORT
}

# worker_up: afterwards WORKER is the pid of a worker that broker_down stops, or that stays with --keep.
worker_up() {
  set -m # a process group of its own: Ctrl-C is for this script, which then stops it in order
  (
    # Registered before it is a worker, by itself: whenever this script is interrupted, none is forgotten.
    stop_with_run worker "$(exec sh -c 'echo "$PPID"')"
    exec "$LAUREL" worker
  ) </dev/null >"$LAUREL_RUN/worker.log" 2>&1 &
  WORKER=$!
  set +m
  disown
}

# recorded FILE NAME: a value of a JSON file.
recorded() {
  "$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$@"
}

# zones: the folder of time zones that laurel uses, so that the recount's midnights are the same on every machine.
zones() {
  "$PYTHON" -c 'import pathlib, tzdata; print(pathlib.Path(tzdata.__file__).parent / "zoneinfo")'
}

finish() {
  if [ -n "$keep" ] && [ -n "${WORKER:-}" ] && [ -d "${LAUREL_RUN:-}" ]; then
    broker_keep
    explain_kept >&2
  else
    broker_down
    # A broker that was there before keeps nothing of the demo.
    [ -z "$given" ] || [ -z "${LAUREL_NAMESPACE:-}" ] || "$PYTHON" -m deploy.demo.clearing || true
  fi
}

# watch_worker: afterwards PROMETHEUS is the address of one that scrapes the worker, or empty where there is none to have.
watch_worker() {
  PROMETHEUS=$("$PYTHON" -m deploy.prometheus.server --run "$LAUREL_RUN" "127.0.0.1:$LAUREL_HEALTH_PORT") || PROMETHEUS=""
}

explain_kept() {
  echo "
Kept: the broker at $LAUREL_BOOTSTRAP, a worker (pid $WORKER), files in $LAUREL_RUN. To look around:"
  env | grep -E '^LAUREL_(BOOTSTRAP|NAMESPACE|INSTANCE|AGENTS|DATA_DIR|CLOCK|TIME_ZONE|MAX_JUMP_DAYS|HEALTH_PORT)=' |
    sort | sed 's/^/  export /'
  echo "
What waits, and where:
  uv run laurel status
The latest decisions with their conditions; --all, --follow:
  uv run laurel tail tier-changes
What other systems see of a customer:
  uv run laurel tail customer-profiles --last 1
Is what laurel holds and published what its history says?
  uv run laurel verify
What the worker says of itself:
  curl -s http://127.0.0.1:$LAUREL_HEALTH_PORT/ready
  curl -s http://127.0.0.1:$LAUREL_HEALTH_PORT/metrics
  tail -f $LAUREL_RUN/worker.log"
  [ -z "${PROMETHEUS:-}" ] || echo "What Prometheus makes of it, with the alert rules of deploy/prometheus:
  http://$PROMETHEUS/alerts
  http://$PROMETHEUS/graph?g0.expr=laurel_records_in_total"
  echo "
To stop all of it, and remove their files:
  bash deploy/broker/broker.sh stop"
  [ -z "$given" ] || echo "Then, to remove the demo's topics from the broker, with the exports above:
  uv run python -m deploy.demo.clearing"
}

keep=""
history=""
given=${LAUREL_BOOTSTRAP:-} # a broker that is not ours
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

heading "purchase history"
if [ -z "$history" ]; then
  fetch_history
  history=$CDNOW
fi
attend "$PYTHON" -m deploy.demo.history "$history"

heading "broker"
broker_up

run_demo "$history"
