# shellcheck shell=bash
# A Kafka broker for this run: the one that LAUREL_BOOTSTRAP names, one in Docker, or a local one from Maven artefacts.
# Needs steps.sh, packages.sh and PYTHON from environment.sh. What was started is registered in LAUREL_RUN, the folder of
# this run below .laurel/, which is also the place for its other files; deploy/broker/runs.py stops it from there, even
# after this script was killed.

unset LAUREL_RUN # of whoever called this script, and not this one's to stop

# broker_up: afterwards LAUREL_BOOTSTRAP is the address of a broker that answers; LAUREL_RUN is the run's folder.
broker_up() {
  LAUREL_RUN=$(_broker open --owner $$) || return 1
  export LAUREL_RUN
  if [ -n "${LAUREL_BOOTSTRAP:-}" ]; then
    _broker await --bootstrap "$LAUREL_BOOTSTRAP" --seconds 10 || return 1
  elif _broker docker && _compose_up; then
    LAUREL_BOOTSTRAP=127.0.0.1:$LAUREL_BROKER_PORT
  else
    need_java_and_maven || return 1
    LAUREL_BOOTSTRAP=$(_broker start --run "$LAUREL_RUN") || return 1
  fi
  export LAUREL_BOOTSTRAP
  echo "$LAUREL_BOOTSTRAP" >"$LAUREL_RUN/bootstrap" # for broker.sh status
  note "Broker: $LAUREL_BOOTSTRAP"
}

# stop_with_run NAME PID: have a process stopped, in order and before the broker, by broker_down.
stop_with_run() {
  _broker register --run "$LAUREL_RUN" --name "$1" --pid "$2"
}

# broker_down: stop all that this run started, and remove its folder. A broker that was there before is left alone.
broker_down() {
  [ -z "${LAUREL_RUN:-}" ] || _broker stop --run "$LAUREL_RUN" || true
}

# broker_keep: instead of broker_down, leave everything up until `broker.sh stop`.
broker_keep() {
  touch "$LAUREL_RUN/keep"
}

_broker() {
  (cd "$ROOT" && exec "$PYTHON" -m deploy.broker "$@")
}

# A project of its own, so that runs at once do not share a broker that one of them stops.
_compose_up() {
  export LAUREL_BROKER_PORT
  LAUREL_BROKER_PORT=$(_broker port) || return 1
  echo "laurel-run-$$" >"$LAUREL_RUN/compose"
  _quietly docker compose -p "laurel-run-$$" -f "$ROOT/docker-compose.yml" up --detach --wait &&
    _broker await --bootstrap "127.0.0.1:$LAUREL_BROKER_PORT" --seconds 60 && return
  note "Docker is here, but could not start the broker (see above): trying a local one."
  docker compose -p "laurel-run-$$" -f "$ROOT/docker-compose.yml" down --volumes >/dev/null 2>&1 || true
  rm -f "$LAUREL_RUN/compose"
  return 1
}

need_java_and_maven() {
  local missing=()
  local java="openjdk-21-jre-headless|openjdk-17-jre-headless|openjdk-25-jre-headless" # as apt-get calls it
  java+="|java-21-openjdk-headless|java-25-openjdk-headless|java-17-openjdk-headless"  # dnf
  java+="|openjdk21-jre-headless|openjdk17-jre-headless|openjdk"                       # apk; brew
  _broker java >/dev/null 2>&1 || missing+=("$java")
  command -v mvn >/dev/null || missing+=(maven)
  [ ${#missing[@]} = 0 ] && return
  if ! install_packages "${missing[@]}" || ! _broker java >/dev/null 2>&1 || ! command -v mvn >/dev/null; then
    note "A local broker needs Java 17 or newer and Maven: install both, or start Docker, or set LAUREL_BOOTSTRAP."
    return 1
  fi
}
