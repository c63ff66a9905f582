"""Lines of a script in the reports of coverage.py."""
import json
import subprocess
import sys

TEST = '''
from opensips_py.testing import request

def test_it(opensips):
    server = opensips("short.cfg")
    server.receive(request("MESSAGE", "sip:x@192.0.2.5"), "192.0.2.1")
    assert server.take_one().status == 202
'''
SCRIPT = '''socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
route {
	if ($rm == "MESSAGE") {
		sl_send_reply(202, "Later");
		exit;
	}
	sl_send_reply(
		500, "Never");
	route(other);
}

route[other] {
	$var(x) = 1;
}
'''


def test_lines_that_ran_and_lines_that_did_not(tmp_path):
    (tmp_path / "test_short.py").write_text(TEST)
    (tmp_path / "short.cfg").write_text(SCRIPT)
    (tmp_path / ".coveragerc").write_text("[run]\nplugins = opensips_py.testing.coverage\nsource = .\n"
                                          "concurrency = greenlet\n")
    run = subprocess.run([sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
                         cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr
    subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", "out.json"], cwd=tmp_path, check=True,
                   timeout=60)
    files = json.loads((tmp_path / "out.json").read_text())["files"]
    assert set(files["short.cfg"]["executed_lines"]) >= {5, 6, 7}
    assert set(files["short.cfg"]["missing_lines"]) >= {9, 11, 15}
