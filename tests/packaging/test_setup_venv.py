"""packaging/setup-venv.sh on machines that lack something, each made of a few programs in a folder."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "packaging" / "setup-venv.sh"
# Programs that only write down how they were called; "python3" knows what a test says it can import.
RECORDER = '#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n'
PYTHON = RECORDER + """case "$*" in
    *"not (3, 11)"*) [ -z "$OLD_SYSTEM" ] ;;
    *version_info*) [ -z "$OLD" ] || { echo "needs Python 3.11" >&2; exit 1; } ;;
    *ensurepip*) [ -z "$NO_VENV" ] ;;
    *Python.h*) [ -z "$NO_HEADERS" ] ;;
    "-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
esac
"""
COMPILED = "python -m compileall -q opensips_py modules"
# Debian's tools: what apt-get installs is there afterwards.
APT = RECORDER + """[ "$1" != update ] || exit "${UPDATE_FAILS:-0}"
for each; do case $each in gcc|python3) cp "$SPARE/$each" "${0%/*}" ;; esac; done
"""


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


class Machine:
    """*has* are the programs on PATH; run() returns status, output and the calls that were made."""

    def __init__(self, folder):
        self.folder, self.bin, self.spare = folder, folder / "bin", folder / "spare"
        self.has = {"python3": PYTHON, "gcc": RECORDER, "apt-get": APT, "id": "#!/bin/sh\necho ${ROOT:-1000}\n"}
        self.bin.mkdir()
        self.spare.mkdir()
        for name in ("sh", "env", "cp", "cat", "mkdir", "true"):
            (self.bin / name).symlink_to(shutil.which(name))
        self.place(self.spare, {"gcc": RECORDER, "python3": PYTHON})

    def place(self, folder, programs):
        for name, text in programs.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, *extras, **environment):
        self.place(self.bin, self.has)
        calls = self.folder / "calls"
        calls.touch()
        values = {"PATH": str(self.bin), "CALLS": str(calls), "SPARE": str(self.spare), "OLD": "", "NO_VENV": "",
                  "NO_HEADERS": "", "OLD_SYSTEM": "", "SYSTEM_PYTHON": "", **environment}
        done = subprocess.run([self.bin / "sh", SCRIPT, *extras], cwd=self.folder, env=values, capture_output=True,
                              text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines()


def installs(calls):
    return [each for each in calls if each.startswith("apt-get install")]


def test_nothing_missing(machine):
    status, told, calls = machine.run()
    assert status == 0 and told == "Setting up .venv and compiling the core: some minutes, this once\n"
    assert not installs(calls)
    assert calls[-2].endswith("--no-build-isolation -e .")
    assert calls[-1] == COMPILED


class TestASecondTime:
    @pytest.fixture
    def machine(self, machine):
        machine.run()
        for name in ("setup.cfg", "pyproject.toml"):
            shutil.copy(SCRIPT.parents[1] / name, machine.folder)
        shutil.copy(machine.bin / "python3", machine.folder / ".venv" / "bin" / "opensips-py")
        installed = machine.folder / ".venv" / ".installed"
        installed.touch()
        os.utime(installed, (2**31, 2**31))
        (machine.folder / "calls").unlink()
        return machine

    def test_only_what_has_changed_is_compiled(self, machine):
        status, told, calls = machine.run()
        assert (status, told) == (0, "")
        assert calls[-2:] == ["python setup.py --quiet build_ext --inplace", COMPILED]
        assert not [each for each in calls if "-m pip" in each]

    def test_other_requirements_are_installed(self, machine):
        os.utime(machine.folder / "setup.cfg", (2**31 + 1, 2**31 + 1))
        _, told, calls = machine.run()
        assert calls[-2].endswith("--no-build-isolation -e .") and told == ""
        assert not [each for each in calls if "-m venv" in each]

    def test_extras_compile_nothing(self, machine):
        python = machine.folder / ".venv" / "bin" / "python"
        python.write_text(f'#!/bin/sh\n[ "$1" != -m ] || {{ echo "$*" >>"$CALLS"; cat >>"$CALLS"; exit; }}\n'
                          f'exec {sys.executable} "$@"\n')
        status, told, calls = machine.run("test,load")
        assert (status, told) == (0, "")
        assert calls[0] == "-m pip install --quiet --disable-pip-version-check -r /dev/stdin"
        assert calls[1:].count("pytest>=8,<10") == 1 and calls[-1] == "locust>=2.40"


@pytest.mark.parametrize(("without", "environment", "need"), [
    ("gcc", {}, "gcc libc6-dev"),
    ("python3", {}, "python3 python3-venv python3-dev"),
    ("", {"NO_VENV": "1"}, "python3-venv"),
    ("", {"NO_HEADERS": "1"}, "python3-dev"),
    ("gcc", {"NO_HEADERS": "1", "NO_VENV": "1"}, "python3-venv python3-dev gcc libc6-dev"),
])
class TestMissing:
    def test_root_installs_it(self, machine, without, environment, need):
        machine.has.pop(without, None)
        status, told, calls = machine.run(ROOT="0", **environment)
        assert status == 0, told
        assert installs(calls) == [f"apt-get install -y -qq {need}"] and f"Installing {need}\n" in told

    def test_others_are_told_the_line(self, machine, without, environment, need):
        machine.has.pop(without, None)
        status, told, calls = machine.run(**environment)
        assert (status, told) == (1, f"Missing on this machine; please run:  sudo apt-get install -y {need}\n")
        assert not installs(calls) and not (machine.folder / ".venv").exists()

    def test_sudo_without_a_password_will_do(self, machine, without, environment, need):
        machine.has.pop(without, None)
        machine.has["sudo"] = '#!/bin/sh\nshift\nexec "$@"\n'
        status, told, calls = machine.run(**environment)
        assert status == 0 and installs(calls) == [f"apt-get install -y -qq {need}"], told


def test_packages_of_a_python_that_is_not_debians_first(machine):
    machine.has["python3.12"] = machine.has.pop("python3")
    _, told, _ = machine.run(PYTHON="python3.12", NO_HEADERS="1", NO_VENV="1")
    assert told.endswith("sudo apt-get install -y python3.12-venv python3.12-dev\n")


class TestWhichPython:
    """The system's comes first: see the script."""

    @pytest.fixture
    def used(self, machine):
        system = machine.folder / "usr-bin-python3"
        machine.place(machine.folder, {system.name: PYTHON})
        machine.has["python3.12"] = PYTHON

        def used(**environment):
            _, told, calls = machine.run(SYSTEM_PYTHON=str(system), **environment)
            made, = (each for each in calls if "-m venv" in each)
            return made.partition(" ")[0], told
        return used

    def test_the_systems(self, used):
        assert used()[0] == "usr-bin-python3"

    def test_one_that_does_not_suit_us_is_passed_over(self, used):
        assert used(OLD_SYSTEM="1")[0] == "python3"

    def test_one_that_was_asked_for(self, used):
        assert used(PYTHON="python3.12")[0] == "python3.12"


def test_a_python_that_is_too_old(machine):
    status, told, calls = machine.run(OLD="1", ROOT="0")
    assert status == 1 and "needs Python 3.11" in told and not installs(calls)


def test_package_lists_that_cannot_be_fetched_do_not_stop_it(machine):
    machine.has.pop("gcc")
    status, told, calls = machine.run(ROOT="0", UPDATE_FAILS="100")
    assert status == 0 and "apt-get update failed" in told and len(installs(calls)) == 1


def test_a_machine_without_apt(machine):
    del machine.has["apt-get"], machine.has["gcc"]
    status, told, _ = machine.run(ROOT="0")
    assert status == 1 and told.endswith("apt-get install -y gcc libc6-dev\n")


