#!/bin/sh
# Make .venv, compile the core and install this checkout into it; or, once that is done, add what the extras named
# in $1 need (for example "test,lint").
# What Debian must provide (compiler, Python headers, venv) is installed with apt where we may, else named in one line.
set -eu
extras=${1:-}
pip="-m pip install --quiet --disable-pip-version-check"
system=${SYSTEM_PYTHON-/usr/bin/python3}
header='import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
wanted='import configparser, sys; read = configparser.ConfigParser(); read.read("setup.cfg"); print(*(read["options.extras_require"][each] for each in sys.argv[1].split(",")))'
supported='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
recent='import sys; sys.exit(0 if sys.version_info >= (3, 11) else "opensips-py needs Python 3.11 or newer, and %s is %d.%d: make PYTHON=/path/to/a/newer/python3" % (sys.executable, *sys.version_info[:2]))'

# Distributions build their Python with profile-guided optimisation, and one built from source seldom is: that is an
# eighth of all instructions of a call. So theirs comes first, where nobody asks for another one.
python=${PYTHON:-python3}
if [ -z "${PYTHON:-}" ] && [ -x "$system" ] && "$system" -c "$supported"; then python=$system; fi

if [ -n "$extras" ]; then
    .venv/bin/python -c "$wanted" "$extras" | .venv/bin/python $pip -r /dev/stdin
    exit
fi
case ${python##*/} in
    python3.*) debian=${python##*/} ;;  # its packages bear its name
    *) debian=python3 ;;
esac
need=""
if command -v "$python" >/dev/null; then
    "$python" -c "$recent"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need="$need $debian-venv"
    "$python" -c "$header" || need="$need $debian-dev"
else
    need=" $debian $debian-venv $debian-dev"
fi
command -v gcc >/dev/null || need="$need gcc"
echo '#include <stdio.h>' | gcc -E -x c - >/dev/null 2>&1 || need="$need libc6-dev"
if [ -n "$need" ]; then
    as=""
    [ "$(id -u)" = 0 ] || as="sudo -n"
    if ! command -v apt-get >/dev/null || ! $as true 2>/dev/null; then
        echo "Missing on this machine; please run:  sudo apt-get install -y$need" >&2
        exit 1
    fi
    echo "Installing$need"
    $as apt-get update -qq || echo "apt-get update failed; trying with the package lists that are here" >&2
    $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $need >/dev/null
    "$python" -c "$recent"
fi
# Each process of the server imports a few hundred files: where PYTHONDONTWRITEBYTECODE is set, as in many containers
# and CI machines, nothing else would keep them compiled, and a start took nearly twice the time.
bytecode="-m compileall -q opensips_py modules"
if [ -x .venv/bin/opensips-py ] && [ .venv/.installed -nt setup.cfg ] && [ .venv/.installed -nt pyproject.toml ]; then
    .venv/bin/python setup.py --quiet build_ext --inplace  # only what has changed
    .venv/bin/python $bytecode
    exit
fi
[ -x .venv/bin/opensips-py ] || echo "Setting up .venv and compiling the core: some minutes, this once"
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
.venv/bin/python $pip "setuptools>=77" wheel "Cython>=3.1"
.venv/bin/python $pip --no-build-isolation -e .
.venv/bin/python $bytecode
