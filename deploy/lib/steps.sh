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

# step TITLE PROGRAM...: a heading, then the program; its exit code.
step() {
  heading "$1"
  shift
  attend "$@"
}

# attend PROGRAM...: run it so that a signal to this script ends it at once. In the foreground bash would hear a SIGTERM
# only after the program's own end, and the program never. It gets a process group of its own, so that Ctrl-C comes from
# `interrupted` alone.
attend() {
  local status=0
  set -m
  "$@" </dev/null &
  ATTENDED=$!
  set +m
  [ -z "${LAUREL_RUN:-}" ] || stop_with_run step "$ATTENDED" # after a `kill -9` of this script
  wait "$ATTENDED" || status=$?
  ATTENDED=""
  return "$status"
}

# interrupted NUMBER: end what runs, first as Ctrl-C does, which pytest and laurel answer in order. It may be deaf to that
# (all that a script starts with `&` is), so less kindly after ten seconds, and at once after a second signal.
interrupted() {
  local signal tenth
  trap 'kill -KILL -- "-$ATTENDED" 2>/dev/null || true' HUP INT TERM
  for signal in INT TERM KILL; do
    [ -n "$ATTENDED" ] || break
    kill -"$signal" "$ATTENDED" 2>/dev/null || break # not the group: uv passes it on, and twice would cut a clean-up short
    for ((tenth = 0; tenth < 100; tenth++)); do
      kill -0 "$ATTENDED" 2>/dev/null || break 2
      sleep 0.1
    done
  done
  [ -z "$ATTENDED" ] || kill -KILL -- "-$ATTENDED" 2>/dev/null || true # what it left behind
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
