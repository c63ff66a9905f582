#!/bin/sh
# Make .venv and install this checkout into it, with the extras named in $1 (for example "test,lint").
# What Debian must provide (compiler, Python headers, venv) is installed with apt where we may, else named in one line.
set -eu
extras=${1:-}
python=${PYTHON:-python3}
need=""
command -v "$python" >/dev/null || need="python3"
command -v gcc >/dev/null || need="$need gcc libc6-dev"
[ -n "$need" ] || "$python" -c 'import ensurepip, venv' 2>/dev/null || need="$need python3-venv"
[ -n "$need" ] || "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
    || need="$need python3-dev"
if [ -n "$need" ]; then
    case " $need " in *" python3 "*) need="$need python3-venv python3-dev" ;; esac
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $need >/dev/null
    elif sudo -n true 2>/dev/null && command -v apt-get >/dev/null; then
        sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $need >/dev/null
    else
        echo "Missing on this machine; please run:  sudo apt-get install -y$(printf ' %s' $need)" >&2
        exit 1
    fi
fi
"$python" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "opensips-py needs Python 3.11 or newer, and %s is %d.%d: set PYTHON=/path/to/a/newer/python3" % (sys.executable, *sys.version_info[:2]))'
[ -x .venv/bin/python ] || "$python" -m venv .venv
target="."
[ -z "$extras" ] || target=".[$extras]"
.venv/bin/python -m pip install --quiet --disable-pip-version-check "setuptools>=77" wheel "Cython>=3.1"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e "$target"
