"""Finding the server that runs, and its pipe."""
import json
import os
import subprocess
import sys

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import running
from opensips_py.server.running import Pipe, config_of, pipe_of, server_arguments
from tests.live import Server

LOAD = 'loadmodule "mi_fifo.so"\n'


@pytest.mark.parametrize(("text", "pipe"), [
    (LOAD, Pipe("/tmp/opensips_fifo", "/tmp/")),
    (f'{LOAD}modparam("mi_fifo", "fifo_name", "/a/b")\nmodparam("mi_fifo", "reply_dir", "/c")\n', Pipe("/a/b", "/c")),
    (f'#!define WHERE "/a/b"\n{LOAD}modparam("mi_fifo", "fifo_name", WHERE)\nnonsense {{', Pipe("/a/b", "/tmp/")),
    (f"children=2\n{LOAD}", Pipe("", "/tmp/")), ("route { exit; }", None)])
def test_the_pipe_of_a_configuration(tmp_path, text, pipe):
    path = tmp_path / "x.cfg"
    path.write_text(text)
    assert pipe_of(str(path)) == pipe


@pytest.mark.parametrize(("words", "arguments"), [
    (["python", "/usr/bin/opensips-py", "-F", "-f", "a.cfg"], ["-F", "-f", "a.cfg"]),
    (["opensips-py", "-f", "a.cfg", ""], ["-f", "a.cfg"]), (["python", "-m", "opensips_py", "-F"], ["-F"]),
    (["python", "/usr/bin/opensips-py", "mi", "uptime"], None), (["python", "-m", "pytest"], None), ([""], None),
    (["python", "-m", "opensips_py.server.worker", "-f", "x"], None)])
def test_command_lines_of_servers(words, arguments):
    assert server_arguments(words) == arguments


def test_the_configuration_of_a_command_line():
    assert config_of(["-F", "-f", "a.cfg"]) == "a.cfg"
    assert config_of(["-F"]) == "/etc/opensips/opensips.cfg"
    for other in (["-C", "-f", "a.cfg"], ["-V"], ["--nonsense"]):
        with pytest.raises(ValueError):
            config_of(other)


@pytest.fixture
def several(tmp_path, monkeypatch):
    """Configurations of servers that run, each with its pipe where it is to have one."""
    found = []
    monkeypatch.setattr(running, "configurations", lambda: iter(found))

    def started(name, *, pipe=True):
        path = tmp_path / f"{name}.cfg"
        path.write_text(f'{LOAD}modparam("mi_fifo", "fifo_name", "{tmp_path}/{name}")\n')
        if pipe:
            os.mkfifo(tmp_path / name)
        found.append(str(path))
    return started


def test_no_server(several):
    several("a", pipe=False)
    with pytest.raises(ConfigError, match="no server with a pipe runs here"):
        running.find_pipe()


def test_one_server_and_two(several, tmp_path):
    several("a")
    several("b", pipe=False)
    assert running.find_pipe().path == f"{tmp_path}/a"
    several("c")
    with pytest.raises(ConfigError, match=f"several servers run, with the pipes {tmp_path}/a, {tmp_path}/c: name one"):
        running.find_pipe()


def test_a_server_that_runs_is_found_and_asked():
    config = ('socket=udp:127.0.0.1:@PORT@\nloadmodule "proto_udp.so"\nloadmodule "sl.so"\nloadmodule "mi_fifo.so"\n'
              'modparam("mi_fifo", "fifo_name", "@RUN@/fifo")\nroute { sl_send_reply(200, "OK"); }\n')
    with Server(config) as server:
        assert str(server.config) in list(running.configurations())
        done = subprocess.run([sys.executable, "-m", "opensips_py", "mi", "uptime", "-f", str(server.config)],
                              capture_output=True, text=True, timeout=30, check=False, cwd=server.folder,
                              env={**os.environ, **server.env})
    assert done.returncode == 0, done.stderr
    assert "Up time" in json.loads(done.stdout)
