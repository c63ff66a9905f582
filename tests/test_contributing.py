"""CONTRIBUTING.md, followed word for word in a copy of the checkout."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from tests.live import ROOT, free_ports

BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.M | re.S)
BLOCKS = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())


def mirror(source: pathlib.Path, target: pathlib.Path, *real: str) -> None:
    """Link everything of *source* into the new folder *target*; the folders *real* are made, and mirrored as well."""
    target.mkdir(parents=True)
    for each in source.iterdir():
        if each.name in {path.partition("/")[0] for path in real}:
            mirror(each, target / each.name, *(path.partition("/")[2] for path in real
                                               if path.partition("/")[0] == each.name and "/" in path))
        elif not each.name.startswith("."):
            (target / each.name).symlink_to(os.readlink(each) if each.is_symlink() else each)


def end(pid_file: pathlib.Path) -> None:
    """End the server where the page did not come to that."""
    with contextlib.suppress(OSError):
        os.kill(int(pid_file.read_text()), signal.SIGTERM)


@pytest.fixture(scope="module")
def followed(tmp_path_factory, request):
    """What each block of commands printed, by its text; files were written where the page says."""
    checkout = tmp_path_factory.mktemp("newcomer") / "opensips-py"
    mirror(ROOT, checkout, "modules", "opensips_py", "tests/modules")
    (checkout / ".venv").symlink_to(sys.prefix)
    port = str(free_ports()[0])
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OPENSIPS_PY_STATE_DIR": str(checkout / "state")}
    printed = {}
    request.addfinalizer(lambda: end(checkout / "doorkeeper.pid"))
    for kind, file, text in BLOCKS:
        own = text.replace("127.0.0.1:5060", f"127.0.0.1:{port}").replace("/tmp/", f"{checkout}/")
        if file:
            (checkout / file).write_text(own)
        elif kind == "sh":
            done = subprocess.run(["sh", "-e"], input=own, cwd=checkout, env=environment, capture_output=True,
                                  text=True, timeout=60)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            printed[text] = done.stdout.replace(port, "5060")
    return printed


def output(followed, word):
    [found] = [text for command, text in followed.items() if word in command]
    return found


def test_every_block_is_a_file_a_command_or_an_answer():
    assert {(kind, bool(file)) for kind, file, _ in BLOCKS} == {
        ("python", True), ("opensips", True), ("sh", False), ("text", False)}


def test_answers_are_those_shown(followed):
    before = ""
    for kind, _, text in BLOCKS:
        assert kind != "text" or text in followed[before]
        before = text


def test_the_manual_shows_the_module(followed):
    manual = output(followed, "modules doorkeeper")
    for name in ("doorkeeper_admits", "bar", "refused", "doorkeeper:bar", "$doorkeeper_barred", "E_DOORKEEPER_REFUSED"):
        assert name in manual


def test_management_knows_the_commands(followed):
    told = output(followed, "which")
    assert "doorkeeper:bar" in told and "doorkeeper:list" in told


def test_the_test_of_the_page_passes(followed):
    assert "3 passed" in output(followed, "pytest")
