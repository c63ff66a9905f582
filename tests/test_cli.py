"""The tool: each sub-command as a user types it."""
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from opensips_py import __main__, __version__
from opensips_py.cli import app
from opensips_py.mi import client

RIGHT = 'log_level=2\nsocket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\nloadmodule "sl.so"\n' \
    'route { if ($rU != "x") sl_send_reply(404, "Not found"); else drop; }\n'


def tool(*arguments):
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def right(tmp_path):
    path = tmp_path / "right.cfg"
    path.write_text(RIGHT)
    return path


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong.cfg"
    path.write_text(RIGHT.replace("404", '"404"').replace("$rU !=", "$rU ="))
    return path


@pytest.mark.parametrize("letter", [[], ["-f"]])
def test_a_right_configuration(right, letter):
    result = tool("check", *letter, right)
    assert result.exit_code == 0
    assert result.stdout == f"{right}: the configuration is right (dialect 4.0)\nlistening on udp:127.0.0.1:5060\n"
    assert "note[N0101]: the dialect is 4.0: only that has socket=" in result.stderr
    assert "note[N0102]: max_while_loops is 10000 as nothing sets it; in 2.1 it is 100" in result.stderr
    assert not tool("check", right, "--no-notes").stderr


def test_a_wrong_configuration(wrong):
    result = tool("check", wrong)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"error[E0107]: '=' assigns, and this is a condition\n --> {wrong}:5:17\n" in result.stderr
    assert f"a number is needed, not the text \"404\"\n --> {wrong}:5:38\n" in result.stderr
    assert result.stderr.endswith("2 errors found; nothing was started\n")


def test_a_configuration_that_cannot_be_started(tmp_path):
    path = tmp_path / "x.cfg"
    path.write_text(RIGHT.replace('"proto_udp.so"', '"proto_tcp.so"'))
    result = tool("check", path)
    assert result.exit_code == 1 and "error[" in result.stderr and "udp" in result.stderr


def test_findings_as_data(right, wrong):
    data = json.loads(tool("check", wrong, "--json").stdout)
    assert (data["right"], data["dialect"], data["listeners"]) == (False, "4.0", [])
    assert [(each["line"], each["column"]) for each in data["findings"] if each["severity"] == "error"] == [
        (5, 17), (5, 38)]
    data = json.loads(tool("check", right, "--json", "--no-notes").stdout)
    assert data == {"file": str(right), "dialect": "4.0", "right": True, "findings": [],
                    "listeners": [{**data["listeners"][0], "protocol": "udp", "host": "127.0.0.1", "port": 5060}]}


def test_the_python_behind_a_script(right):
    text = tool("check", right, "--dump", "--no-notes").stdout
    assert "def route(run):" in text and "sl_send_reply(run, 404, 'Not found')" in text


def test_no_such_file():
    result = tool("check", "/no/such/file.cfg")
    assert result.exit_code == 1
    assert "error[E0601]: cannot read /no/such/file.cfg: No such file or directory" in result.stderr
    assert tool("check").exit_code == 2


def test_the_example_configurations_check_on_the_server_too(right, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["opensips-py", "-C", "-f", str(right)])
    assert __main__.main() == 0
    assert "the configuration is right" in capsys.readouterr().out


def test_modules():
    lines = tool("modules").stdout.splitlines()
    assert any(each.split(None, 1) == ["maxfwd", "Count Max-Forwards down so that looping requests stop."]
               for each in lines)
    assert "mf_process_maxfwd_header" in tool("modules", "maxfwd").stdout
    assert tool("modules", "maxfwd", "--markdown").stdout.startswith("# maxfwd\n")
    data = json.loads(tool("modules", "maxfwd", "--json").stdout)
    assert data["params"][0]["default"] == 256 and data["functions"][0]["arity"] == [1]
    everything = json.loads(tool("modules", "--json", "--dialect", "2.1").stdout)
    assert everything["version"] == "2.1" and {"tm", "sl", "usrloc"} <= set(everything["modules"])


def test_modules_that_there_are_not():
    result = tool("modules", "maxfwdd")
    assert (result.exit_code, result.stderr) == (1, "opensips-py: module maxfwdd is unknown: did you mean maxfwd?\n")
    assert tool("modules", "--dialect", "3.1").exit_code == 2


def test_the_version(capsys, monkeypatch):
    assert tool("version").stdout == f"opensips-py {__version__}\n"
    monkeypatch.setattr(sys, "argv", ["opensips-py", "-V"])
    assert __main__.main() == 0
    assert capsys.readouterr().out.startswith(f"opensips-py {__version__} ")


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What is asked of which pipe; the answer is the command."""
    calls = []
    monkeypatch.setattr(client, "ask", lambda *arguments: calls.append(arguments) or {"asked": arguments[1]})
    return calls


def test_management_by_a_named_pipe(asked):
    result = tool("mi", "ul_show_contact", "location", "alice", "--fifo", "/tmp/x", "--reply-dir", "/tmp/y")
    assert json.loads(result.stdout) == {"asked": "ul_show_contact"}
    tool("mi", "ul_rm", "table=location", "aor=alice", "--fifo", "/tmp/x")
    assert asked == [("/tmp/x", "ul_show_contact", ["location", "alice"], "/tmp/y"),
                     ("/tmp/x", "ul_rm", {"table": "location", "aor": "alice"}, "/tmp")]


def test_management_by_configuration(asked, tmp_path, right):
    config = tmp_path / "mi.cfg"
    config.write_text(f'loadmodule "mi_fifo.so"\nmodparam("mi_fifo", "fifo_name", "{tmp_path}/pipe")\n'
                      f'modparam("mi_fifo", "reply_dir", "{tmp_path}/")\n{RIGHT}')
    tool("mi", "uptime", "-f", config)
    assert asked == [(f"{tmp_path}/pipe", "uptime", [], f"{tmp_path}/")]
    result = tool("mi", "uptime", "-f", right)
    assert result.exit_code == 1 and "loads no mi_fifo" in result.stderr


def test_no_server_answers(tmp_path):
    result = tool("mi", "uptime", "--fifo", tmp_path / "none")
    assert (result.exit_code, result.stderr) == (
        1, f"opensips-py: 503 no server answers at {tmp_path}/none: No such file or directory\n")
    result = tool("mi", "uptime", "--fifo", tmp_path / "none", "--reply-dir", tmp_path / "absent")
    assert (result.exit_code, result.stderr) == (1, f"opensips-py: {tmp_path}/absent: No such file or directory\n")


def test_fixes_are_written(wrong):
    before = wrong.read_text()
    diff = tool("check", wrong, "--fix", "--dry-run").stdout
    assert '-route { if ($rU = "x") sl_send_reply("404"' in diff
    assert '+route { if ($rU == "x") sl_send_reply(404' in diff
    assert wrong.read_text() == before
    result = tool("check", wrong, "--fix", "--no-notes")
    assert result.exit_code == 0 and f"{wrong}: rewritten\n" in result.stdout
    assert wrong.read_text() == before.replace("$rU =", "$rU ==").replace('"404"', "404")
    assert "rewritten" not in tool("check", wrong, "--fix").stdout


def test_a_script_is_converted(tmp_path):
    path = tmp_path / "old.cfg"
    old = 'debug=2 # little\nauto_aliases=no\nlisten=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\n' \
        'loadmodule "sl.so"\n' \
        'route { if (method=="INVITE") sl_send_reply("404", "Not found"); else drop; }\n'
    path.write_text(old)
    assert "+log_level=2 # little" in tool("check", path, "--convert", "4.0", "--dry-run").stdout
    result = tool("check", path, "--convert", "4.0", "--no-notes")
    assert (result.exit_code, result.stderr) == (0, "")
    converted = old
    for word, new in (("debug", "log_level"), ("listen", "socket"), ("method", "$rm"), ('"404"', "404")):
        converted = converted.replace(word, new)
    assert path.read_text() == converted
    assert (tmp_path / "old.cfg.orig").read_text() == old
    assert tool("check", path, "--convert", "3.0").exit_code == 2


def test_warnings_are_shown(tmp_path):
    path = tmp_path / "x.cfg"
    path.write_text(RIGHT.replace("else drop", "exit"))
    result = tool("check", "--no-notes", path)
    assert result.exit_code == 0
    assert "warning[W0103]: a request can end here unanswered" in result.stderr


@pytest.mark.parametrize(("words", "status"), [(["version"], 0), (["check"], 2), (["-V"], 0),
                                               (["check", "/no/such/file.cfg"], 1)])
def test_the_exit_status_of_the_process(words, status):
    run = subprocess.run([sys.executable, "-m", "opensips_py", *words], capture_output=True, text=True)
    assert run.returncode == status and run.stdout + run.stderr
