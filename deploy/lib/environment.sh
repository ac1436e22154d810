# shellcheck shell=bash
# The Python environment, exactly as uv.lock says. Needs steps.sh and packages.sh.

# environment_up: afterwards `uv run` works, PYTHON is the environment's Python, and nothing outside .laurel/ and .venv/
# was written but uv's own cache.
environment_up() {
  local python uv
  python=$(find_python) || return 1
  uv=$(_find_uv) || uv=$(_install_uv "$python") || {
    note "laurel needs uv, and it could not be installed: install uv and call this again."
    return 1
  }
  PATH=$(dirname "$uv"):$PATH
  # The lock file is what was tested: no command changes it, and no interpreter is downloaded that was not asked for.
  export PATH UV_FROZEN=1 UV_PYTHON_DOWNLOADS=never
  uv sync --frozen --project "$ROOT" || return 1
  # shellcheck disable=SC2034 # for broker.sh
  PYTHON=$ROOT/.venv/bin/python
}

# find_python: print the path of a Python that can run laurel.
find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$name" && return
  done
  note "laurel needs Python 3.11 or newer: install it and call this again."
  return 1
}

_find_uv() {
  local uv
  for uv in "$(command -v uv)" "$WORK/uv/bin/uv" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv"; do
    "$uv" --version >/dev/null 2>&1 && echo "$uv" && return
  done
  return 1
}

# A private environment first: it leaves the machine as it was, and PEP 668 systems allow nothing else. Debian's Python
# has neither venv nor pip until python3-venv is there.
_install_uv() {
  local python=$1 uv=$WORK/uv/bin/uv
  note "Installing uv ..."
  if _private_uv "$python" 2>/dev/null || { install_packages python3-venv && _private_uv "$python"; }; then
    echo "$uv"
  elif _quietly "$python" -m pip install --user uv; then
    "$python" -c 'import uv; print(uv.find_uv_bin())'
  else
    return 1
  fi
}

_private_uv() {
  rm -rf "$WORK/uv"
  _quietly "$1" -m venv "$WORK/uv" && _quietly "$WORK/uv/bin/python" -m pip install --disable-pip-version-check uv
}
