# shellcheck shell=bash
# Steps of a script: headings, errors, and signals that reach what is running.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for the other files
WORK=$ROOT/.laurel # all that the scripts write; git ignores it
ATTENDED=""

# heading TITLE: what comes now, and the seconds since the script began.
heading() {
  printf '\n==> [%4d s] %s\n' "$SECONDS" "$*"
}

# note WORDS: a remark that is nobody's output.
note() {
  printf '%s\n' "$*" >&2
}

# step TITLE COMMAND...: a heading, then the command; its exit code.
step() {
  heading "$1"
  shift
  attend "$@"
}

# attend COMMAND...: run it so that a signal to this script ends it at once. In the foreground bash would hear a SIGTERM
# only after the command's own end, and the command never. It gets a process group of its own, which `interrupted` ends.
attend() {
  local status=0
  set -m
  "$@" </dev/null &
  ATTENDED=$!
  set +m
  wait "$ATTENDED" || status=$?
  ATTENDED=""
  return "$status"
}

# interrupted NUMBER: pass the signal on as Ctrl-C, which pytest and laurel end on in order; a second signal is not kind.
interrupted() {
  trap 'kill -KILL -- "-$ATTENDED" 2>/dev/null || true' HUP INT TERM
  if [ -n "$ATTENDED" ]; then
    kill -INT -- "-$ATTENDED" 2>/dev/null || true
    wait "$ATTENDED" || true
  fi
  exit $((128 + $1))
}

# on_exit COMMAND: have it run when the script ends, however it ends short of `kill -9`.
on_exit() {
  # shellcheck disable=SC2064 # the command is known now
  trap "$1" EXIT
  trap 'interrupted 1' HUP
  trap 'interrupted 2' INT
  trap 'interrupted 15' TERM
}
