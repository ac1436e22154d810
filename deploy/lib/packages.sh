# shellcheck shell=bash
# Packages of the system, through whichever package manager it has. Needs steps.sh.

# install_packages PACKAGE...: install them, where that is permitted; else fail without a word.
# A package may have alternatives, best first: a|b|c.
install_packages() {
  local manager chosen=() wanted
  for manager in apt-get dnf apk brew ""; do
    command -v "${manager:-true}" >/dev/null && break
  done
  [ -n "$manager" ] || return 1
  local rights=()
  if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    rights=(sudo -n)
  fi
  case $manager in
    apt-get) _quietly ${rights[@]+"${rights[@]}"} apt-get update || return 1 ;;
    apk) _quietly ${rights[@]+"${rights[@]}"} apk update || return 1 ;;
  esac
  for wanted in "$@"; do
    chosen+=("$(_first_available "$manager" "$wanted")") || return 1
  done
  note "Installing ${chosen[*]} with $manager ..."
  case $manager in
    apt-get)
      _quietly ${rights[@]+"${rights[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${chosen[@]}"
      ;;
    dnf) _quietly ${rights[@]+"${rights[@]}"} dnf install -y "${chosen[@]}" ;;
    apk) _quietly ${rights[@]+"${rights[@]}"} apk add "${chosen[@]}" ;;
    brew) _quietly brew install "${chosen[@]}" ;;
  esac
}

_first_available() { # MANAGER a|b|c
  local package
  for package in ${2//|/ }; do
    case $1 in
      apt-get) [ -n "$(apt-cache show "$package" 2>/dev/null)" ] ;;
      dnf) dnf -q list "$package" >/dev/null 2>&1 ;;
      apk) [ -n "$(apk search -qe "$package" 2>/dev/null)" ] ;;
      brew) brew info "$package" >/dev/null 2>&1 ;;
    esac && echo "$package" && return
  done
  return 1
}

_quietly() { # the output matters only where it fails
  mkdir -p "$WORK"
  "$@" </dev/null >"$WORK/install.log" 2>&1 || {
    tail -n 20 "$WORK/install.log" >&2
    return 1
  }
}
