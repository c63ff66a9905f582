"""What the README says: each command of the tool, typed as it stands there, and each target of make."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.live import ROOT
from tests.residential import residential

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^    (?:\.venv/bin/)?opensips-py (.*?)\s*(?:#.*)?$", README, re.M)
TARGETS = sorted(set(re.findall(r"^    make (\w+)", README, re.M)) | set(re.findall(r"`make (\w+)\b(?!=)", README)))
TOOL = pathlib.Path(sys.prefix) / "bin" / "opensips-py"


@pytest.fixture(scope="module")
def server():
    with residential() as running:
        (running.folder / "my.cfg").write_text(running.config.read_text())
        yield running


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.startswith("-")])
def test_command(server, command):
    words = command.split()
    where = {"mi": 1, "trace": 2}.get(words[0])
    if where is not None:
        words[where:where] = ["-f", str(server.config)]  # other servers may run here
    done = subprocess.run([TOOL, *words], cwd=server.folder, capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and done.stdout, done.stderr


def test_the_readme_shows_the_tool():
    assert {each.split()[0] for each in COMMANDS} == {"mi", "modules", "check", "trace", "-f"}


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "-n", target, "BENCH=bench.py"], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_make_run_says_where_it_listens_and_how_a_call_is_made():
    recipe = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    said = re.findall(r'^echo "(.*)"$', recipe, re.M)
    assert len(said) == 4
    checked = subprocess.run([TOOL, "check", "--no-notes", "cfg/residential.cfg"], cwd=ROOT, capture_output=True,
                             text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
    assert re.findall(r"listening on (.*)", checked) == ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
    assert "127.0.0.1:5060, UDP and TCP" in said[0] and "1002@127.0.0.1" in said[2] and "mi ul_dump" in said[3]


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`((?:examples|packaging)/)`", README):
        assert (ROOT / link).exists(), link
