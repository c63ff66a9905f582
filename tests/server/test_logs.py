import json
import logging
import socket

import pytest

from opensips_py.server import logs
from opensips_py.server.boot import Logging


@pytest.fixture(autouse=True)
def untouched():
    """What pytest has set up, put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(capsys, **settings):
    """What a line each of debug, info, warning and error become on standard error."""
    logs.set_up(Logging(**settings))
    log = logging.getLogger("opensips_py.server.sample")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(level, "line of %d", level)
    return capsys.readouterr().err.splitlines()


def test_lines_are_as_upstreams(capsys):
    lines = logged(capsys, level=1, prefix="edge")
    assert [line.split("] ")[1] for line in lines] == [
        "edge:WARNING:sample:logged: line of 30", "edge:ERROR:sample:logged: line of 40"]


def test_what_a_script_writes_stands_by_itself(capsys):
    logs.set_up(Logging(prefix="edge"))
    logging.getLogger("opensips_py.script").warning("a call\n", extra={"bare": True})
    assert capsys.readouterr().err.split("] ")[1] == "edge:a call\n"


@pytest.mark.parametrize("level, count", [(4, 4), (3, 3), (2, 2), (1, 2), (-1, 1), (-3, 0)])
def test_levels_are_opensips(capsys, level, count):
    assert len(logged(capsys, level=level)) == count


def test_a_filter_keeps_lines_from_one_place(capsys):
    assert len(logged(capsys, level=4, stderr_filter=-1)) == 1


def test_json_and_cee(capsys):
    line = json.loads(logged(capsys, level=-1, stderr_format="json")[0])
    assert (line["level"], line["module"], line["message"]) == ("ERROR", "sample", "line of 40")
    line = logged(capsys, level=-1, stderr_format="json_cee", name="edge")[0]
    assert line.startswith("@cee: ")
    assert json.loads(line.removeprefix("@cee: "))["pname"] == "edge"


def test_nothing_is_printed_that_goes_nowhere(capsys):
    assert logged(capsys, to_stderr=False) == []


def test_syslog_has_facility_priority_and_name(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(tmp_path / "log"))
        handler = logs.Syslog(str(tmp_path / "log"), logging.handlers.SysLogHandler.LOG_LOCAL0)
        handler.setFormatter(logs.formatter(Logging(), "plain_text", with_time=False))
        handler.emit(logging.makeLogRecord({"name": "opensips_py.a.b", "levelname": "NOTICE", "levelno": 25,
                                            "msg": "x", "funcName": "f"}))
        assert system.recv(100).rstrip(b"\0") == b"<133>NOTICE:b:f: x"
        handler.close()


def test_a_record_may_name_its_facility_and_hold_any_byte(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(tmp_path / "log"))
        handler = logs.Syslog(str(tmp_path / "log"), logging.handlers.SysLogHandler.LOG_DAEMON)
        line = {"name": "opensips_py.acc", "levelname": "INFO", "levelno": 20, "msg": "x\udcff"}
        handler.handle(logging.makeLogRecord({**line, "facility": logging.handlers.SysLogHandler.LOG_LOCAL5}))
        handler.handle(logging.makeLogRecord(line))
        assert system.recv(100).rstrip(b"\0").decode() == "<174>x\ufffd"  # 21 * 8 + 6
        assert system.recv(100).startswith(b"<30>")
        handler.close()


def test_a_machine_without_syslog_says_so_once(capsys, monkeypatch):
    monkeypatch.setattr(logs.os.path, "exists", lambda path: False)
    lines = logged(capsys, to_stderr=False, to_syslog=True, level=1)
    assert "no /dev/log" in lines[0]
    assert len(lines) == 3


def test_what_fails_again_and_again_is_said_now_and_then(capsys):
    logs.set_up(Logging())
    handler, = logging.getLogger().handlers
    once, = handler.filters
    now = [10.0]
    once.clock = lambda: now[0]
    log = logging.getLogger("opensips_py.sample")

    def said(count):
        for number in range(count):
            log.error("table %s: %s", number, OSError("gone"))
        return [line.split(": ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert len(said(1000)) == 20
    now[0] += 1
    assert said(3) == ["table 0: gone (and 980 times more since this was said last)"]
    now[0] += 100
    assert len(said(1000)) == 20
    for number in range(30):  # no failure, or all that is left of a call
        log.error("source %d", number)
        logging.getLogger("opensips_py.acc").error("%s: %d", OSError("gone"), number)
    assert len(capsys.readouterr().err.splitlines()) == 60
