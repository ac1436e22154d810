#!/usr/bin/env bash
# A broker to work with by hand, found or started as demo.sh and test.sh do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. deploy/lib/all.sh

case "${1:-}" in
  start)
    environment_up
    on_exit broker_down
    broker_up
    broker_keep
    on_exit true
    echo "export LAUREL_BOOTSTRAP=$LAUREL_BOOTSTRAP"
    ;;
  stop | status)
    PYTHON=$(find_python)
    _broker "$1"
    ;;
  *)
    note "usage: broker.sh start|stop|status
  start   start a broker that stays up, and print its address as an export command
  stop    stop all that was started to stay: by \`start\`, or by \`demo.sh --keep\`
  status  show what runs, a line for each run"
    [ "${1:-}" = --help ]
    ;;
esac
