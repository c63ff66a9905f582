"""The systemd unit and the Dockerfile start the server as it is started."""
import configparser
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from opensips_py import asking
from opensips_py.server import options, state_dir

PACKAGING = pathlib.Path(__file__).parents[2] / "packaging"
UNIT = PACKAGING / "opensips-py.service"
DOCKERFILE = (PACKAGING / "Dockerfile").read_text()


@pytest.fixture
def unit():
    read = configparser.ConfigParser(interpolation=None)
    read.optionxform = str
    read.read(UNIT)
    return read["Service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_is_content_with_the_unit():
    told = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, timeout=60)
    ours = [line for line in (told.stdout + told.stderr).splitlines() if UNIT.name in line]  # others' have their own
    assert (told.returncode, ours) == (0, [])


def started(words):
    found, version = options.parse(words)
    assert not version and not found.check
    return found


def test_the_unit_starts_a_server_in_the_foreground(unit):
    env, program, *words = unit["ExecStart"].split()
    assert (env, program) == ("/usr/bin/env", "opensips-py")
    assert started(words).foreground and started(words).config == "/etc/opensips/opensips.cfg"


def test_management_of_the_unit_is_found():
    folder = re.search(r'"fifo_name", "(.*?)"', UNIT.read_text())
    assert folder and pathlib.Path(folder[1]) in asking.FIFOS


def test_the_image_starts_a_server_in_the_foreground():
    program, *words = json.loads(re.search(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.M)[1])
    found = started([*words, *json.loads(re.search(r"^CMD (.*)$", DOCKERFILE, re.M)[1])])
    assert program == "opensips-py" and found.foreground and found.config == "/etc/opensips/opensips.cfg"


def test_both_keep_the_state_in_the_folder_that_outlives_them(unit):
    name, _, value = unit["Environment"].partition("=")
    assert state_dir.location("x", "y", {name: value}) == value == "%S/" + unit["StateDirectory"]
    name, _, value = re.search(r"^ENV (.*)$", DOCKERFILE, re.M)[1].partition("=")
    assert state_dir.location("x", "y", {name: value}) == value == re.search(r"^VOLUME (.*)$", DOCKERFILE, re.M)[1]
