# Sourced by the scripts beside it: a virtual environment with the project installed.

# venv_with WHAT: make the environment unless it is there, install WHAT (`.` or `.[dev]`) into it, and use it.
venv_with() {
  local venv=${XLBUILD_VENV:-.venv} python=${PYTHON:-python3}
  if ! command -v "$python" >/dev/null; then
    echo "$0: $python was not found; install Python 3.11 or newer (Debian: apt install python3 python3-venv)" >&2
    exit 1
  fi
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$0: $("$python" --version) is too old; Python 3.11 or newer is needed (name one with PYTHON=…)" >&2
    exit 1
  fi
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$0: $python has no venv module; install it (Debian, Ubuntu: apt install python3-venv)" >&2
    exit 1
  fi
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  # Once for a checkout and its list of dependencies: a second run needs no package index.
  local wanted stamp=$venv/installed-for
  wanted="$PWD $1 $(cksum <pyproject.toml)"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e "$1" </dev/null
    echo "$wanted" >"$stamp"
  fi
  PATH=$(cd "$venv/bin" && pwd):$PATH
}
