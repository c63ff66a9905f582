"""`make loadtest`, for some seconds."""
import csv
import importlib.util
import subprocess
import sys

import pytest

from tests.live import ROOT, free_ports
from tests.residential import residential

RUN = [sys.executable, ROOT / "loadtest" / "run.py"]


@pytest.mark.skipif(importlib.util.find_spec("locust") is None, reason="Locust is not installed: make .venv/.load")
def test_a_load_leaves_figures_and_a_report(tmp_path):
    with residential() as server:
        done = subprocess.run([*RUN, "--host", f"127.0.0.1:{server.port}", "--seconds", "3", "--users", "9", "--rate",
                               "9", "--results", tmp_path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(tmp_path / "load_stats.csv") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert {"REGISTER", "OPTIONS", "INVITE", "BYE"} < set(rows)
    assert all(int(row["Request Count"]) > 0 and row["Failure Count"] == "0" for row in rows.values())
    assert "<html" in (tmp_path / "load.html").read_text()


@pytest.mark.parametrize(("host", "why"), [
    ("192.0.2.1:5060", "192.0.2.1 is not a loopback address"),
    ("127.0.0.1:{free}", "no SIP server answers at 127.0.0.1"),
])
def test_what_is_not_loaded(host, why, tmp_path):
    done = subprocess.run([*RUN, "--host", host.format(free=free_ports()[0]), "--results", tmp_path],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and why in done.stderr and not list(tmp_path.iterdir())
