"""python: the file, its object, what is wrong with them, and what a reload takes of them."""
import threading

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import Phone, request

SCRIPT = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "python.so"
modparam("python", "script_name", "@FILE@")
@SETTINGS@
route { @BODY@ }
@ROUTES@
"""
EXEC = 'python_exec("act"); $var(rc) = $rc;'
OPTIONS = request("OPTIONS", "sip:bob@192.0.2.9")
PLAIN = """
class Handler:
    def child_init(self, rank):
        return 0

    def act(self, msg):
        return 7

def mod_init():
    return Handler()
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "handler.py"


def script(file, body=EXEC, settings="", routes=""):
    values = {"FILE": file, "BODY": body, "SETTINGS": settings, "ROUTES": routes}
    text = SCRIPT
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def code_of(server):
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    return server.variables["rc"]


def test_the_names_can_be_others(opensips, file):
    file.write_text(PLAIN.replace("mod_init", "make").replace("child_init(self, rank)", "begin(self, rank)")
                    .replace("return 0", "self.rank = rank").replace("return 7", "return self.rank + 7"))
    settings = 'modparam("python", "mod_init_function", "make") modparam("python", "child_init_method", "begin")'
    assert code_of(opensips(text=script(file, settings=settings))) == 8


def refused(opensips, file, text, settings=""):
    file.write_text(text)
    with pytest.raises(ConfigError) as found:
        opensips(text=script(file, settings=settings))
    return str(found.value).replace(str(file), "handler.py")


@pytest.mark.parametrize(("line", "told"), [
    ("print 'x'", "print is a function: print(...)"),
    ("print >>sys.stderr, 'x'", "print is a function: print(..., file=f)"),
    ("exec 'x'", "exec is a function: exec(...)"), ("raise ValueError, 'x'", "write `raise X(...)`"),
    ("if 1 <> 2: pass", "write `!=`"), ("x = `1`", "write repr(...)"), ("x = 0777", "write octal numbers 0o..."),
    ("x = 10L", "write long numbers without L"), ("x = ur'a'", 'write r"..."'),
    ("def f(a, (b, c)): pass", "take a tuple as one parameter and unpack it"),
    ("f = lambda (a, b): a", "take a tuple as one parameter and unpack it"),
    ("try: pass\nexcept ValueError, e: pass", "write `except X as e:`"),
    ("try: pass\nexcept (ValueError, KeyError), e: pass", "write `except (X, Y) as e:`"),
    ("if 1:\n        x = 1\n\ty = 2", "indent with blanks alone"),
    ("x = unicode('x')", "use str"), ("import ConfigParser", "use configparser"), ("{}.has_key(1)", "use `key in d`")])
def test_python_2_is_recognized(opensips, file, line, told):
    error = refused(opensips, file, f"import sys\n{line}\n{PLAIN}")
    number = 2 + line.count("\n")
    assert f"handler.py:{number}: " in error and f". This is Python 2: {told}; 2to3 rewrites most of a file" in error


def test_python_2_in_a_module_that_it_imports(opensips, file, tmp_path):
    (tmp_path / "helper_in_two.py").write_text("x = 1\nprint x\n")
    error = refused(opensips, file, f"import helper_in_two\n{PLAIN}")
    assert "handler.py:1: " in error and "This is Python 2: print is a function" in error


@pytest.mark.parametrize(("text", "told"), [
    ("x = (1,\n", "handler.py:1: '(' was never closed"),
    ("def f():\n    return 1 // 0\nf()\n", "handler.py:2: ZeroDivisionError: integer division or modulo by zero"),
    (PLAIN.replace("mod_init", "mod_inti"), "handler.py has no function mod_init(): did you mean mod_inti()?"),
    (PLAIN.replace("return Handler()", "pass"), "mod_init() of handler.py returned no object"),
    (PLAIN.replace("return Handler()", "{}['x']"), "mod_init() failed\n"),
    (PLAIN.replace("child_init", "child_inti"),
     "Handler of handler.py has no method child_init(): did you mean child_inti()?"),
    (PLAIN.replace("return 0", "return -1"), "child_init(1) returned -1"),
    (PLAIN.replace("return 0", "raise OSError('no database')"), "child_init() failed\n")])
def test_what_keeps_the_server_from_starting(opensips, file, text, told):
    error = refused(opensips, file, text)
    assert told in error
    if "failed" in told:
        assert '  File "handler.py", line ' in error and "opensips_py" not in error
        assert "\nKeyError: 'x'" in error or "\nOSError: no database" in error


def test_the_default_file_is_not_there(opensips):
    with pytest.raises(ConfigError, match=r"cannot read /usr/local/etc/opensips/handler\.py: No such"):
        opensips(text=script("x").replace('modparam("python", "script_name", "x")', ""))


def test_a_name_without_a_folder_is_looked_for_beside_the_script(opensips, tmp_path):
    (tmp_path / "besides.py").write_text(PLAIN)
    (tmp_path / "test.cfg").write_text(script("besides.py"))
    assert code_of(opensips(tmp_path / "test.cfg")) == 7


def test_an_error_is_logged_with_the_frames_of_the_user_and_counts_as_false(opensips, file, tmp_path):
    (tmp_path / "helper_with_error.py").write_text("def fetch(key):\n    return {}[key]\n")
    file.write_text(PLAIN.replace("return 7", "return fetch(msg.user)").replace(
        "class", "from helper_with_error import fetch\n\nclass"))
    server = opensips(text=script(file, EXEC + 'python_exec("atc"); $var(a) = $rc; python_exec("act", "more"); '
                                  '$var(b) = $rc; sl_send_reply(200, "OK");'))
    for _ in range(2):
        assert server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")[-1].status == 200
        assert server.variables == {"rc": -1, "a": -1, "b": -1}
    assert [line.replace(str(tmp_path), "") for line in server.log] == [
        'ERROR python_exec: act() failed\n'
        '  File "/handler.py", line 9, in act\n    return fetch(msg.user)\n           ^^^^^^^^^^^^^^^\n'
        '  File "/helper_with_error.py", line 2, in fetch\n    return {}[key]\n           ~~^^^^^\n'
        "KeyError: 'bob'",
        "ERROR python_exec: Handler of /handler.py has no method atc(): did you mean act()?",
        "ERROR python_exec: act() failed\nTypeError: Handler.act() takes 2 positional arguments but 3 were given"] * 2


def test_what_raises_system_exit_ends_no_worker(opensips, file):
    file.write_text(PLAIN.replace("return 7", "raise SystemExit('gone')"))
    server = opensips(text=script(file))
    assert code_of(server) == -1 and code_of(server) == -1
    assert server.log[0].endswith("SystemExit: gone")


def test_what_waits_too_long_is_ended(opensips, file, monkeypatch):
    monkeypatch.setattr("opensips_py.modules.python.PATIENCE", 0.05)
    file.write_text(PLAIN.replace("return 7", "import gevent.event; gevent.event.Event().wait()"))
    server = opensips(text=script(file))
    assert code_of(server) == -1
    failed, = server.log.matching("python_exec: act")
    assert failed.startswith("ERROR python_exec: act() failed\n") and "took longer than 0.05 s" in failed


def test_what_waits_has_its_transaction_before(opensips, file):
    file.write_text(PLAIN.replace("return 7", "import gevent; gevent.sleep(3); return 7"))
    server = opensips(text=script(file, f'{EXEC} t_reply(200, "OK");'))
    invite = request("INVITE", "sip:bob@192.0.2.9", branch="z9hG4bKsame")
    assert [each.status for each in server.receive(invite, "192.0.2.1")] == []
    server.receive(invite, "192.0.2.1")
    assert len(server.runs) == 1  # the retransmission was absorbed
    assert [each.status for each in server.advance(3) if each.status >= 200] == [200]


# Reloads

COUNTING = """
import counting_helper

class Handler:
    seen = 0

    def child_init(self, rank):
        return 0

    def act(self, msg):
        type(self).seen += 1
        counting_helper.seen.append(1)
        return VALUE * 100 + self.seen * 10 + len(counting_helper.seen)

VALUE = 1

def mod_init():
    return Handler()
"""


def test_a_reload_takes_a_new_file_with_a_state_of_its_own(opensips, file, tmp_path):
    (tmp_path / "counting_helper.py").write_text("seen = []\n")
    file.write_text(COUNTING)
    server = opensips(text=script(file))
    assert [code_of(server) for _ in range(2)] == [111, 122]
    file.write_text(COUNTING.replace("VALUE = 1", "VALUE = 2"))
    assert code_of(server) == 133  # nobody has reloaded
    server.reload(script(file))
    assert [code_of(server) for _ in range(2)] == [211, 222]
    assert server.log == []


def test_calls_that_began_before_a_reload_go_on_with_the_old_object(opensips, file, tmp_path):
    (tmp_path / "counting_helper.py").write_text("seen = []\n")
    file.write_text(COUNTING)
    text = script(file, 't_on_failure("over"); t_relay();',
                  routes='failure_route[over] { python_exec("act"); xlog("L_NOTICE", "gave $rc\\n"); }')
    server = opensips(text=text)
    alice, bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2")
    invite = bob.last("INVITE")
    file.write_text(COUNTING.replace("VALUE = 1", "VALUE = 2"))
    server.reload(text)
    alice.call("sip:bob@192.0.2.2")
    bob.answer(bob.last("INVITE"), 486)
    bob.answer(invite, 486)
    assert server.log == ["NOTICE gave 211", "NOTICE gave 111"]


@pytest.mark.parametrize("broken", ["this is no Python", PLAIN.replace("return Handler()", "return None"),
                                    PLAIN.replace("return Handler()", "raise OSError('x')")])
def test_a_reload_with_a_broken_file_is_refused(opensips, file, tmp_path, broken):
    (tmp_path / "counting_helper.py").write_text("seen = []\n")
    file.write_text(COUNTING)
    server = opensips(text=script(file))
    assert code_of(server) == 111
    file.write_text(f"import counting_helper\n{broken}")
    with pytest.raises(ConfigError):
        server.reload(script(file))
    assert code_of(server) == 122


def test_a_child_init_that_fails_after_a_reload_is_logged(opensips, file):
    file.write_text(PLAIN)
    server = opensips(text=script(file))
    file.write_text(PLAIN.replace("return 0", "return -3").replace("return 7", "return 8"))
    server.reload(script(file))
    assert code_of(server) == 8
    assert server.log == ["ERROR child_init(1) returned -3"]


def test_the_object_is_made_in_the_thread_of_the_event_loop(opensips, file):
    file.write_text("import threading\nIMPORTED = threading.get_ident()\n" + PLAIN.replace(
        "return Handler()", "made = Handler()\n    made.thread = threading.get_ident()\n    return made").replace(
        "return 7", "return 1 + (self.thread == threading.get_ident()) + 2 * (IMPORTED == self.thread)"))
    server = opensips(text=script(file))
    assert threading.current_thread() is threading.main_thread() and code_of(server) == 4
    server.reload(script(file))
    assert code_of(server) == 2  # the file was run in a thread: a long one holds up nobody
