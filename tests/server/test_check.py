"""The check of a configuration: every error in one run, or what the supervisor needs to start it."""
import os
import subprocess
import sys

import pytest

from opensips_py.script.preprocessor import read_text
from opensips_py.server import check, description, generation
from tests.live import ROOT

GOOD = """
socket=udp:127.0.0.1:5070 use_workers 3
socket=tcp:127.0.0.1:5071
log_level=1
loadmodule "proto_udp.so"
loadmodule "/usr/lib/x86_64-linux-gnu/opensips/modules/proto_tcp.so"
loadmodule "sl.so"
route { sl_send_reply(200, "OK"); }
"""
BAD = """
socket=udp:127.0.0.1:5070
no_such_parameter=1
loadmodule "proto_udp.so"
loadmodule "no_such_module.so"
loadmodule "sl.so"
modparam("sl", "no_such_modparam", 1)
route {
	no_such_function();
	sl_send_reply("many", "OK", 3, 4);
	route(no_such_route);
	if ($no_such_variable == 1)
		exit;
	$var(x) = ;
}
onreply_route[answer] {
	sl_send_reply(200, "OK");
}
"""
WRONG = ["no_such_parameter", "no_such_module", "no_such_modparam", "no_such_function", "no_such_route",
         "no_such_variable", "bad.cfg:10", "bad.cfg:14", "bad.cfg:17"]


@pytest.fixture
def described(tmp_path):
    def described(text, **how):
        path = tmp_path / "some.cfg"
        path.write_text(text)
        return check.described(generation.read(str(path), {}, read_text), **how)
    return described


def test_a_right_configuration_says_what_to_start(described):
    found = described(GOOD)
    assert found.errors == []
    assert [(each.protocol, each.host, each.port) for each in found.listeners] == [
        ("udp", "127.0.0.1", 5070), ("tcp", "127.0.0.1", 5071)]
    assert (found.logging.level, found.dialect) == (1, "4.0")


def test_protocols_are_those_of_the_modules_loaded(tmp_path):
    path = tmp_path / "some.cfg"
    path.write_text(GOOD.replace('loadmodule "sl.so"', "").replace('sl_send_reply(200, "OK")', "exit"))
    assert check.protocols(generation.read(str(path), {}, read_text)) == ["udp", "tcp"]


def test_a_protocol_that_no_module_speaks_is_an_error(described):
    found = described(GOOD.replace('loadmodule "/usr/lib/x86_64-linux-gnu/opensips/modules/proto_tcp.so"', ""))
    assert len(found.errors) == 1
    assert "no loaded module speaks tcp" in found.errors[0] and 'help: add loadmodule "proto_tcp.so"' in found.errors[0]
    assert found.listeners == []


def test_of_a_protocol_whose_module_cannot_be_loaded_the_loadmodule_line_tells(described):
    text = GOOD + "socket=ipsec:127.0.0.1:6100\n"
    found = described(text)
    assert len(found.errors) == 1
    assert "no loaded module speaks ipsec, for module proto_ipsec is not available yet" in found.errors[0]
    found = described(text + 'loadmodule "proto_ipsec.so"\n')
    assert len(found.errors) == 1 and "module proto_ipsec is not available yet" in found.errors[0]


@pytest.mark.parametrize("dialect, host, severity", [
    ("4.0", "eth77", "warning"), ("4.0", "sip.nowhere.invalid", "warning"), ("4.0", "127.0.0.1.5060", "error"),
    ("2.1", "eth77", "warning"), ("2.1", "sip.nowhere.invalid", "error"), ("4.0", "%%HOST%%", "error")])
def test_a_socket_may_be_right_on_the_machine_that_the_script_is_for(described, dialect, host, severity):
    text = f"dialect={dialect}\n" + GOOD.replace("socket=udp:127.0.0.1:5070", f"socket=udp:{host}:5070")
    found = described(text, elsewhere=True)
    said = found.errors if severity == "error" else [each for each in found.notes if "a text is needed" not in each]
    assert [f"{severity}[{severity[0].upper()}0504]: udp:{host}: no address" in each for each in said] == [True]
    assert [(each.protocol, each.host, each.port) for each in found.listeners] == (
        [] if severity == "error" else [("udp", check.STAND_IN, 5070), ("tcp", "127.0.0.1", 5071)])
    assert len(described(text).errors) == 1


def test_the_process_writes_its_description_with_the_texts_that_it_read(tmp_path):
    path, more = tmp_path / "main.cfg", tmp_path / "more.cfg"
    path.write_text(f'include_file "{more}"\n{GOOD}')
    more.write_text("route[more] { exit; }\n")
    reader, writer = os.pipe()
    subprocess.run([sys.executable, "-m", "opensips_py.server.check", str(path), "--json", str(writer)],
                   pass_fds=[writer], check=True, cwd=ROOT)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        found = description.load(file.read())
    assert found.errors == []
    assert found.sources == {str(path): path.read_text(), str(more): more.read_text()}


@pytest.mark.parametrize("words", [["-C", "-f"], ["-c", "-f"], ["check"]])
def test_all_errors_of_a_configuration_are_listed_in_one_run(tmp_path, words):
    path = tmp_path / "bad.cfg"
    path.write_text(BAD)
    run = subprocess.run([sys.executable, "-m", "opensips_py", *words, str(path)], capture_output=True, text=True,
                         cwd=ROOT, check=False)
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert [wrong for wrong in WRONG if wrong not in said] == []
    assert "Traceback" not in said


def test_a_right_configuration_passes_both_ways(tmp_path):
    path = tmp_path / "good.cfg"
    path.write_text(GOOD)
    for words in (["-C", "-f"], ["check"]):
        run = subprocess.run([sys.executable, "-m", "opensips_py", *words, str(path)], capture_output=True, text=True,
                             cwd=ROOT, check=False)
        assert run.returncode == 0 and "error" not in run.stderr
