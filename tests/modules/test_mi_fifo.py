import grp
import json
import os
import stat
from types import SimpleNamespace

import gevent
import pytest
from opensips.mi import OpenSIPSMI, OpenSIPSMIException

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import tree_of
from opensips_py.modules import mi_fifo
from opensips_py.modules.mi_fifo import Pipe
from tests.modules.loaded import loaded


class Commands:
    """In place of the dispatcher: `echo` gives back its arguments, everything else fails."""

    def call(self, name, params):
        if name == "below":
            return {"upper": {"lower": 1}}
        if name != "echo":
            raise MIError(-32601, "Method not found")
        return {"given": params} if isinstance(params, list) else params

    def tree(self, name, data):
        return tree_of(data)


def threaded(function, *arguments):
    """Run what blocks beside the event loop."""
    return gevent.get_hub().threadpool.apply(function, arguments)


def module_for(path, pipe=None, **parameters):
    module = loaded("mi_fifo", **{"fifo_name": str(path / "fifo"), "reply_dir": str(path), **parameters})
    module.services = SimpleNamespace(mi=Commands())
    module.pipe = pipe or Pipe()
    module.load()
    return module


@pytest.fixture
def fifo(tmp_path):
    module = module_for(tmp_path)
    module.start()
    yield module
    module.pipe.owner.stop()


def ask(fifo, data, reply="reply"):
    """Write *data* and read the answer, as shell scripts do."""
    path = os.path.join(fifo.reply_dir, reply)
    os.mkfifo(path)
    try:
        with open(fifo.fifo_name, "wb") as out:
            out.write(data)
        with open(path, encoding="utf-8") as answer:
            return answer.read()
    finally:
        os.unlink(path)


def test_the_client_of_pypi_gets_its_answers(fifo):
    client = OpenSIPSMI(conn="fifo", fifo_file=fifo.fifo_name, fifo_file_fallback=fifo.fifo_name,
                        fifo_reply_dir=fifo.reply_dir)
    assert threaded(client.execute, "echo", {"a": "é" * 100_000}) == {"a": "é" * 100_000}
    with pytest.raises(OpenSIPSMIException, match="Method not found"):
        threaded(client.execute, "other")


def test_lines_of_21_are_answered_in_lines(fifo):
    assert threaded(ask, fifo, b':echo:reply\n"a b"\nc\n\n') == "200 OK\ngiven:: a b\ngiven:: c\n\n"
    assert threaded(ask, fifo, b":other:reply\n\n") == "500 command 'other' not available\n\n"


def test_answers_are_indented_and_printed_as_asked(tmp_path):
    module = module_for(tmp_path, reply_indent="  ", pretty_printing=1)
    module.start()
    assert threaded(ask, module, b":echo:reply\nk::v\n\n") == "200 OK\nk:: v\n\n"
    assert threaded(ask, module, b":below:reply\n\n") == "200 OK\nupper:: \n  lower:: 1\n\n"
    answer = threaded(ask, module, b':reply:{"jsonrpc":"2.0","method":"echo","params":["x"],"id":1}')
    assert answer.count("\n") > 3
    assert json.loads(answer)["result"] == {"given": ["x"]}
    module.stop()


def test_answers_leave_the_reply_directory_never(fifo, tmp_path, caplog):
    outside = tmp_path / "sub"
    outside.mkdir()
    os.mkfifo(outside / "x")
    with open(fifo.fifo_name, "wb") as out:
        out.write(b":echo:sub/x\n\n")
    assert threaded(ask, fifo, b":echo:reply\n\n") == "200 OK\n\n"
    assert "no slash" in caplog.text


def test_a_plain_file_is_not_overwritten(fifo, tmp_path, caplog):
    (tmp_path / "plain").write_text("keep")
    with open(fifo.fifo_name, "wb") as out:
        out.write(b":echo:plain\n\n")
    threaded(ask, fifo, b":echo:reply\n\n")
    assert (tmp_path / "plain").read_text() == "keep"
    assert "no pipe" in caplog.text


def test_a_request_nobody_ends_does_not_eat_the_next(fifo, monkeypatch):
    monkeypatch.setattr(mi_fifo, "PATIENCE", 0.01)
    with open(fifo.fifo_name, "wb") as out:
        out.write(b':echo:reply\nhalf an argum')
    gevent.sleep(0.05)
    monkeypatch.setattr(mi_fifo, "PATIENCE", 2.0)
    assert threaded(ask, fifo, b":echo:reply\n\n") == "200 OK\n\n"


def test_the_pipe_has_its_mode_and_group_and_ends_with_the_server(tmp_path):
    group = grp.getgrgid(os.getgid()).gr_name
    module = module_for(tmp_path, fifo_mode=0o622, fifo_group=group, fifo_user=os.getuid())
    module.start()
    assert stat.S_IMODE(os.stat(module.fifo_name).st_mode) == 0o622
    module.stop()
    assert not os.path.exists(module.fifo_name)


def test_a_deleted_pipe_is_made_again(fifo):
    os.unlink(fifo.fifo_name)
    mi_fifo.renew(fifo.pipe)
    assert threaded(ask, fifo, b":echo:reply\n\n") == "200 OK\n\n"


def test_the_next_generation_takes_the_pipe_over(fifo, tmp_path):
    inode = os.stat(fifo.fifo_name).st_ino
    following = module_for(tmp_path, fifo.pipe, reply_indent="--")
    following.start()
    fifo.stop()
    assert os.stat(following.fifo_name).st_ino == inode
    assert threaded(ask, following, b":echo:reply\n\n") == "200 OK\n\n"
    moved = module_for(tmp_path, fifo.pipe)
    moved.fifo_name = str(tmp_path / "other")
    moved.start()
    following.stop()
    assert not (tmp_path / "fifo").exists()
    assert threaded(ask, moved, b":echo:reply\n\n") == "200 OK\n\n"


@pytest.mark.parametrize("parameters, words", [
    ({"fifo_name": ""}, "no name"), ({"fifo_user": "nobody-at-all"}, "no user"),
    ({"fifo_group": "nobody-at-all"}, "no group"), ({"fifo_name": "/no/such/place/fifo"}, "does not exist")])
def test_wrong_parameters_are_named(tmp_path, parameters, words):
    with pytest.raises(ConfigError, match=words):
        module_for(tmp_path, **parameters)


def test_the_folder_of_the_pipe_is_made_where_only_that_is_missing(tmp_path):
    module = module_for(tmp_path, fifo_name=str(tmp_path / "run" / "fifo"))
    assert not (tmp_path / "run").exists()  # checking makes nothing
    module.start()
    assert (tmp_path / "run" / "fifo").is_fifo()
    module.stop()


def test_what_is_no_pipe_stays(tmp_path):
    (tmp_path / "fifo").write_text("keep")
    with pytest.raises(ConfigError, match="is no pipe"):
        module_for(tmp_path).start()
