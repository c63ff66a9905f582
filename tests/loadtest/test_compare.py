"""The comparison with other servers, on a benchmark that only writes down how it was called."""
import json
import subprocess
import sys

import pytest

from tests.live import ROOT

BENCH = '''
import json, pathlib, sys
command, *rest = sys.argv[1:]
if command == "table":
    print("TABLE of", len(pathlib.Path(rest[0]).read_text().splitlines()), "rows")
    sys.exit()
peer, scenario, _, rate, _, calls, _, path = rest
if (peer, scenario) == ("ours", "broken"):
    sys.exit("more than 0.1 % of the calls failed")
before = len(pathlib.Path(path).read_text().splitlines())
with open(path, "a") as file:
    row = {"peer": peer, "scenario": scenario, "rate": int(rate), "calls": int(calls), "cpu_us": 100 + before}
    file.write(json.dumps(row) + "\\n")
'''


@pytest.fixture
def compare(tmp_path):
    (tmp_path / "bench.py").write_text(BENCH)

    def run(*arguments):
        done = subprocess.run([sys.executable, ROOT / "loadtest" / "compare.py", tmp_path / "bench.py", "--peers",
                               "theirs,ours", "--json", tmp_path / "new" / "rows.jsonl", *arguments],
                              capture_output=True, text=True, check=False, timeout=60)
        rows = [json.loads(line) for line in (tmp_path / "new" / "rows.jsonl").read_text().splitlines()]
        return done, rows
    return run


def test_rounds_of_the_peers_are_interleaved(compare):
    done, rows = compare("--rounds", "2", "--rates", "100,200", "--scenarios", "proxy", "--calls", "50")
    assert done.returncode == 0, done.stderr
    assert [(each["peer"], each["rate"]) for each in rows] == [
        (peer, rate) for rate in (100, 200) for _ in range(2) for peer in ("theirs", "ours")]
    assert {each["calls"] for each in rows} == {50}


def test_medians_and_the_ratio_are_printed(compare):
    done, _ = compare("--rounds", "3", "--rates", "100", "--scenarios", "proxy")
    assert "TABLE of 6 rows" in done.stdout
    assert "| scenario | calls/s | theirs | ours | ratio |" in done.stdout
    assert "| proxy | 100 | 102.0 | 103.0 | 1.01 |" in done.stdout  # of 100, 102, 104 and 101, 103, 105


def test_a_failed_run_is_told_and_counts(compare):
    done, rows = compare("--rounds", "1", "--rates", "100", "--scenarios", "broken,proxy")
    assert done.returncode == 1 and len(rows) == 3
    assert "FAILED ours, broken, 100/s: more than 0.1 % of the calls failed" in done.stderr
    assert "| broken | 100 | 100.0 | nan | nan |" in done.stdout


def test_rows_of_an_earlier_comparison_do_not_count(compare):
    compare("--rounds", "1", "--rates", "100", "--scenarios", "proxy")
    _, rows = compare("--rounds", "1", "--rates", "100", "--scenarios", "proxy")
    assert len(rows) == 2
