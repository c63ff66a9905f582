"""Python started again: from where modules are imported."""
import os
import pathlib
import site
import subprocess
import sys

from opensips_py.server import python

ROOT = str(pathlib.Path(python.__file__).absolute().parents[2])


def test_nothing_is_imported_from_the_working_directory(tmp_path):
    (tmp_path / "colorsys.py").write_text("print('ours')\n")
    (tmp_path / "harmless.py").write_text("print('found')\n")
    run = subprocess.run([*python.PROGRAM, "harmless"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1 and "No module named harmless" in run.stderr


def test_a_checkout_is_named_and_what_was_there_stays(monkeypatch):
    monkeypatch.setattr(site, "getsitepackages", lambda: ["/elsewhere"])
    monkeypatch.setenv("PYTHONPATH", "/before")
    assert python.environment()["PYTHONPATH"] == f"{ROOT}{os.pathsep}/before"
    monkeypatch.delenv("PYTHONPATH")
    assert python.environment()["PYTHONPATH"] == ROOT


def test_what_is_installed_needs_no_naming(monkeypatch):
    monkeypatch.setattr(site, "getsitepackages", lambda: [ROOT])
    monkeypatch.setenv("PYTHONPATH", "/before")
    assert python.environment()["PYTHONPATH"] == "/before"
    assert python.PROGRAM[0] == sys.executable
