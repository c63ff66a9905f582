"""Core parameters that the supervisor works with: who the server is, where it is, what it may take, how it logs."""
from __future__ import annotations

import json
import logging
import os
import pathlib
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from opensips_py.script.preprocessor import read_text
from opensips_py.server import check, daemon, generation, logs, privileges, state_dir
from opensips_py.server.description import Description
from opensips_py.server.options import Options
from opensips_py.server.sources import Recorder

SOCKETS = 'socket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\n'
PATH = "/sample.cfg"


def described(text: str, dialect: str = "4.0") -> Description:
    """What the supervisor is told of a script with these core parameters."""
    script = f"dialect={dialect}\n{text}\n{SOCKETS if dialect == '4.0' else SOCKETS.replace('socket', 'listen')}" \
             "route { exit; }\n"
    read = generation.read(PATH, {}, Recorder(lambda path: script if path == PATH else read_text(path)))
    found = check.described(read)
    assert not found.errors, "\n".join(found.errors)
    return found


def elsewhere(code: str, *values: Any, **more: Any) -> Any:
    """What *code* prints in a process of its own, which has *values*."""
    run = subprocess.run([sys.executable, "-c", f"import json, os, resource, sys\nvalues = json.loads(sys.argv[1])\n"
                          f"from opensips_py.server import daemon, logs\n{code}", json.dumps(values)], check=True,
                         stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}, **more)
    return json.loads(run.stdout or "null")


def test_where_it_works(tmp_path: pathlib.Path) -> None:
    found = described(f'workdir="{tmp_path}"')
    code = "daemon.settle(values[0], values[1], values[2]); print(json.dumps(os.getcwd()))"
    assert elsewhere(code, found.directory, found.chroot, PATH) == str(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root")
def test_its_root(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sample").write_text("")
    code = "daemon.privileges.change_root(values[0]); print(json.dumps(os.listdir('/')))"
    assert elsewhere(code, described(f'chroot="{tmp_path}"').chroot) == ["sample"]


def test_who_it_is() -> None:
    found = described("user=nobody\ngroup=\"0\"", "2.1")
    who = privileges.identity(found.user, found.group)
    assert (who.uid, who.gid, who.name) == (pwd.getpwnam("nobody").pw_uid, 0, "nobody")


def test_what_it_may_take() -> None:
    found = described("open_files_limit=77\ndisable_core_dump=yes")
    code = ("from opensips_py.server.description import load\ndaemon.limits(load(values[0]))\nprint(json.dumps("
            "[resource.getrlimit(resource.RLIMIT_NOFILE)[0], resource.getrlimit(resource.RLIMIT_CORE)[0]]))")
    assert elsewhere(code, found.dump()) == [77, 0]
    plain = elsewhere(code, described("").dump())
    assert plain[0] > 77


def test_where_it_keeps_what_lasts(tmp_path: pathlib.Path) -> None:
    found = described(f'state_dir="{tmp_path}/kept"')
    os.close(state_dir.prepare(found.state_dir, os.geteuid(), os.getegid()))
    assert (tmp_path / "kept").is_dir()


def test_how_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    for text, dialect, number in (
            ("workers=3", "4.0", 3), ("udp_workers=5", "4.0", 5), ("children=6", "2.1", 6), ("fork=no", "2.1", 1),
            ("debug_mode=yes", "4.0", 2), ('udp_workers=1\ntcp_workers=7\nsocket=tcp:127.0.0.1:5060\n'
                                           'loadmodule "proto_tcp.so"', "4.0", 7),
            ('children=1\ntcp_children=4\nlisten=tcp:127.0.0.1:5060\nloadmodule "proto_tcp.so"', "2.1", 4)):
        assert daemon.worker_count(described(text, dialect), Options()) == number, text


# The log

@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(capsys: Any, text: str, dialect: str = "4.0", words: str = "sample") -> list[str]:
    """What a warning and an error become on standard error."""
    logs.set_up(described(text, dialect).logging)
    log = logging.getLogger("opensips_py.sample")
    log.warning(words)
    log.error(words)
    lines: list[str] = capsys.readouterr().err.splitlines()
    return lines


def test_standard_error(capsys: Any) -> None:
    assert [line.split("] ")[1] for line in logged(capsys, 'log_prefix="edge"')] == [
        "edge:WARNING:sample:logged: sample", "edge:ERROR:sample:logged: sample"]
    assert len(logged(capsys, "stderror_level_filter=-1")) == 1
    assert len(logged(capsys, "log_level=-1")) == len(logged(capsys, "debug=-1", "2.1")) == 1
    assert logged(capsys, "stderror_enabled=no") == []
    line = json.loads(logged(capsys, 'stderror_log_format="json"')[1])
    assert (line["level"], line["message"]) == ("ERROR", "sample")


def test_lengths_of_lines_in_json(capsys: Any) -> None:
    form = 'stderror_log_format="json"\n'
    assert json.loads(logged(capsys, form + "log_msg_buf_size=10", words="ä" * 20)[0])["message"] == "ä" * 5
    (line, _) = logged(capsys, form + "log_json_buf_size=200", words="x" * 500)
    assert 190 < len(line) <= 200 and set(json.loads(line)["message"]) == {"x"}
    assert len(json.loads(logged(capsys, form, words="x" * 500)[0])["message"]) == 500


@pytest.mark.parametrize(("text", "dialect", "expected"), [
    ("stderror_enabled=no\nsyslog_enabled=yes\nsyslog_facility=LOG_LOCAL3\nsyslog_name=\"edge\"", "4.0", (19, "edge[")),
    ("log_stderror=no\nlog_facility=LOG_LOCAL4\nlog_name=\"old\"", "2.1", (20, "old["))])
def test_syslog(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, text: str, dialect: str,
                expected: tuple[int, str]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(tmp_path / "log"))
        monkeypatch.setattr(logs, "SYSTEM_LOG", str(tmp_path / "log"))
        logs.set_up(described(text, dialect).logging)
        logging.getLogger("opensips_py.sample").error("sample")
        line = system.recv(1000).decode()
        assert line.startswith(f"<{expected[0] * 8 + 3}>{expected[1]}")


def test_what_goes_to_syslog(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(tmp_path / "log"))
        monkeypatch.setattr(logs, "SYSTEM_LOG", str(tmp_path / "log"))
        logs.set_up(described("syslog_enabled=yes\nstderror_enabled=no\nsyslog_level_filter=-1\n"
                              'syslog_log_format="json_cee"').logging)
        logging.getLogger("opensips_py.sample").warning("not there")
        logging.getLogger("opensips_py.sample").error("there")
        line = system.recv(1000).rstrip(b"\0").decode()
        assert json.loads(line.partition("@cee: ")[2])["msg"] == "there"


def test_what_libraries_print() -> None:
    code = ("from opensips_py.server.boot import Logging\n"
            "logs.set_up(Logging(**values[0]))\nprint(json.dumps('printed'))")
    for text, dialect, printed in (("", "4.0", None), ("log_stdout=yes", "4.0", "printed"), ("", "2.1", "printed")):
        assert elsewhere(code, asdict(described(text, dialect).logging)) == printed
