"""exec: programs that scripts run, with real programs."""
import os
import pathlib
import subprocess
import sys
import time

import pytest

from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "exec.so"
"""


def run(opensips, body, settings="", dialect="4.0", message=None, routes=""):
    server = opensips(text=f"dialect={dialect}\n{HEAD}{settings}\nroute {{ {body} }}\n{routes}")
    server.receive(message or request("OPTIONS", "sip:bob@192.0.2.9", headers={"X-A": ["1", "2"]}), "192.0.2.1")
    return server


def test_output_goes_to_variables_as_it_is(opensips):
    server = run(opensips, '''exec("printf 'one\\n\\ntwo'; echo bad >&2", , $var(all), $var(err)); $avp(none) = "old";
        exec("true", , $avp(none)); $var(old) = $avp(none);''')
    assert server.variables == {"all": "one\n\ntwo", "err": "bad\n", "old": "old"}


@pytest.mark.parametrize("way", ["async(%s, resume);", "launch(%s, resume);"])
def test_line_by_line_where_nobody_waits(opensips, way):
    server = run(opensips, way % """exec("printf 'one\\ntwo\\n'", , $avp(line))""", routes="""route[resume] {
        exec("printf 'a\\nb'", , $avp(line)); xlog("L_NOTICE", "$(avp(line)[*])"); sl_send_reply(200, "OK"); }""")
    server.advance(1)
    assert server.log == ["NOTICE a\nb, two, one"]


def program(tmp_path, text):
    """A program for the shell in a file: a script of ours would take its $ for variables."""
    path = tmp_path / "program.sh"
    path.write_text(text)
    return f"sh {path}"


def test_input_and_environment(opensips, tmp_path):
    command = program(tmp_path, 'cat; echo; echo "$OSIPS_EXEC_0-$OSIPS_EXEC_1"')
    server = run(opensips, f'''$avp(env) = "a"; $avp(env) = "b"; $var(in) = "text";
        exec("{command}", "some $var(in)", $avp(out), , $avp(env)); $var(x) = $avp(out);''')
    assert server.variables["x"] == "some text\nb-a\n"


def test_a_large_input_and_output_do_not_lock(opensips):
    data = "x" * 200_000
    server = run(opensips, f'exec("seq 1 50000; cat; echo", "{data}", $avp(out)); $var(n) = $(avp(out){{s.len}});')
    assert server.variables == {"n": 200_001 + sum(len(str(each)) + 1 for each in range(1, 50_001))}


def test_without_variables_it_is_only_started(opensips, tmp_path):
    began = time.perf_counter()
    server = run(opensips, f'exec("sleep 0.3; cat > {tmp_path}/out", "input"); $var(rc) = $rc;')
    assert server.variables == {"rc": 1} and time.perf_counter() - began < 5
    until(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text() == "input")


def until(holds, seconds=10):
    """Wait until *holds*: the program is a process of its own."""
    from gevent import sleep
    limit = time.perf_counter() + seconds
    while not holds():
        assert time.perf_counter() < limit
        sleep(0)


def test_a_program_that_takes_too_long_is_ended_with_its_children(opensips, tmp_path):
    command = program(tmp_path, f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    server = run(opensips, f'exec("{command}", , $var(out)); $var(rc) = $rc;', 'modparam("exec", "time_to_kill", 1)')
    assert server.variables == {"rc": -1} and server.log.matching("took longer than 1 s")
    child = int((tmp_path / "pid").read_text())
    until(lambda: not alive(child))


def test_programs_run_where_gevent_has_patched_everything():
    """As in a worker; the tests themselves run without the patch."""
    code = """from gevent import monkey; monkey.patch_all()
import os
from opensips_py.modules.exec.program import output_of
print(output_of("cat; echo bad >&2; exit 3", b"text", dict(os.environ), 10, True))
for _ in range(20):
    print(output_of("exit 3", b"", dict(os.environ), 10, False).status, end=" ")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines() == ["Output(out='text', errors='bad\\n', status=3)", "3 " * 20], done.stderr


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()


def test_one_that_was_only_started_is_ended_as_well(opensips, tmp_path):
    command = program(tmp_path, f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    run(opensips, f'exec("{command}");', 'modparam("exec", "time_to_kill", 1)')
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    child = int((tmp_path / "pid").read_text())
    until(lambda: not alive(child))


def test_the_message_in_the_environment(opensips):
    server = run(opensips, 'exec("env | grep ^SIP_ | sort", , $avp(out)); $var(all) = $(avp(out)[*]);',
                 'modparam("exec", "setvars", 1)')
    found = dict(line.split("=", 1) for line in server.variables["all"].splitlines() if "=" in line)
    assert found["SIP_HF_X_A"] == "1,2" and found["SIP_SRCIP"] == "192.0.2.1"
    assert found["SIP_RURI"] == found["SIP_ORURI"] == "sip:bob@192.0.2.9" and found["SIP_USER"] == "bob"
    assert found["SIP_HF_FROM"].startswith("<sip:alice@example.com>") and found["SIP_DID"] == "" and found["SIP_TID"]


def test_without_setvars_the_environment_tells_nothing(opensips):
    server = run(opensips, 'exec("env | grep -c ^SIP_", , $var(out));')
    assert server.variables == {"out": "0\n"}


def test_asynchronously(opensips):
    server = run(opensips, 'async(exec("echo done", , $avp(out)), resume);',
                 routes='route[resume] { xlog("L_NOTICE", "$rc $avp(out)"); sl_send_reply(200, "OK"); }')
    assert server.log == ["NOTICE 1 done"] and server.take()[-1].status == 200


def test_messages_as_input_in_21(opensips, tmp_path):
    server = run(opensips, f'exec_msg("cat > {tmp_path}/message"); $var(a) = $rc; exec_msg("exit 3"); $var(b) = $rc;',
                 dialect="2.1")
    assert server.variables == {"a": 1, "b": -1}
    assert (tmp_path / "message").read_bytes().startswith(b"OPTIONS sip:bob@192.0.2.9 SIP/2.0\r\n")


def test_variables_of_the_shell_in_21(opensips):
    server = run(opensips, 'exec_avp("echo $$SIP_OUSER $rU", "$avp(x)"); $var(x) = $avp(x);',
                 'modparam("exec", "setvars", 1)', dialect="2.1")
    assert server.variables == {"x": "bob bob"}


def test_lines_to_avps_in_21(opensips):
    server = run(opensips, '''exec_avp("printf 'a\\nb\\nc\\n'", "$avp(x), $avp(y)");
        $var(x) = $avp(x); $var(y) = $avp(y);
        $var(third) = $avp(3); exec_avp("echo z"); $var(first) = $avp(1); exec_avp("exit 1"); $var(rc) = $rc;''',
                 dialect="2.1")
    assert server.variables == {"x": "a", "y": "b", "third": "c", "first": "z", "rc": -1}


def test_where_the_request_goes_in_21(opensips):
    command = "printf 'sip:a@192.0.2.11\\nsip:b@192.0.2.12\\n'; echo >/dev/null"
    server = run(opensips, f'exec_dset("{command}"); t_relay();', dialect="2.1")
    assert {(each.message.uri, each.host) for each in server.take() if not each.status} == {
        ("sip:a@192.0.2.11", "192.0.2.11"), ("sip:b@192.0.2.12", "192.0.2.12")}


@pytest.mark.parametrize("command", ["true", "echo no uri at all", "exit 1"])
def test_no_uri_no_change_in_21(opensips, command):
    server = run(opensips, f'exec_dset("{command}; :"); $var(rc) = $rc; $var(uri) = $ru;', dialect="2.1")
    assert server.variables == {"rc": -1, "uri": "sip:bob@192.0.2.9"}


def test_the_uri_stands_behind_the_command_in_21(opensips):
    server = run(opensips, 'exec_dset("echo"); $var(uri) = $ru; $var(rc) = $rc;', dialect="2.1",
                 message=request("OPTIONS", "sip:o'hara@192.0.2.9"))
    assert server.variables == {"uri": "sip:o'hara@192.0.2.9", "rc": 1}


def test_our_environment_in_21(opensips, monkeypatch):
    monkeypatch.setenv("FOR_EXEC", "value")
    server = run(opensips, '''exec_getenv("FOR_EXEC"); $var(a) = $avp(1); exec_getenv("FOR_EXEC", "$avp(b)");
        $var(b) = $avp(b); exec_getenv("NOT_THERE_AT_ALL"); $var(rc) = $rc;''', dialect="2.1")
    assert server.variables == {"a": "value", "b": "value", "rc": -1}
