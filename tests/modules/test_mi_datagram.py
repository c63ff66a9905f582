import json
import os
import stat
from types import SimpleNamespace

import gevent
import gevent.event
import pytest
from gevent import socket
from opensips.mi import OpenSIPSMI

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import tree_of
from opensips_py.modules.mi_datagram import Socket
from tests.modules.loaded import loaded


class Commands:
    """In place of the dispatcher: `echo` gives back its arguments, `long` more than a datagram holds; `hold` waits."""

    def __init__(self):
        self.held, self.released = [], gevent.event.Event()

    def call(self, name, params):
        if name == "long":
            return "x" * 100_000
        if name == "below":
            return {"upper": {"lower": 1}}
        if name == "hold":
            self.held.append(params)
            self.released.wait()
            return {"given": params}
        if name != "echo":
            raise MIError(404, "no such thing")
        return {"given": params}

    def tree(self, name, data):
        return tree_of(data)


def module_for(name, shared=None, **parameters):
    module = loaded("mi_datagram", socket_name=str(name), **parameters)
    module.services = SimpleNamespace(mi=Commands())
    module.shared = shared or Socket()
    module.load()
    return module


@pytest.fixture
def udp():
    module = module_for("udp:127.0.0.1:0")
    module.start()
    yield module
    module.shared.owner.stop()


def ask(module, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(data, module.shared.socket.getsockname())
        return client.recv(100_000).decode()


def test_both_formats_are_answered_over_udp(udp):
    assert ask(udp, b":echo:\na\nb\n") == "200 OK\ngiven:: a\ngiven:: b\n\n"
    assert ask(udp, b":other:\n") == "404 no such thing\n\n"
    answer = json.loads(ask(udp, b'{"jsonrpc":"2.0","method":"echo","params":["a"],"id":"1065"}'))
    assert answer == {"jsonrpc": "2.0", "result": {"given": ["a"]}, "id": "1065"}


def test_the_client_of_pypi_gets_its_answer(udp):
    client = OpenSIPSMI(conn="datagram", datagram_ip="127.0.0.1", datagram_port=udp.shared.socket.getsockname()[1])
    assert gevent.get_hub().threadpool.apply(client.execute, ("echo", ["x"])) == {"given": ["x"]}


def test_what_is_no_request_and_what_is_too_long(udp):
    assert ask(udp, b"hello").startswith("400 ")
    assert ask(udp, b":long:\n") == "500 the answer does not fit into a datagram\n\n"
    assert json.loads(ask(udp, b'{"jsonrpc":"2.0","method":"long","id":1}'))["error"]["code"] == -32000


def test_unix_sockets_have_their_mode_and_end_with_the_server(tmp_path):
    module = module_for(tmp_path / "mi", unix_socket_mode=0o622, unix_socket_user=os.getuid(), pretty_printing=1)
    module.start()
    assert stat.S_IMODE(os.stat(module.socket_name).st_mode) == 0o622
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.bind(str(tmp_path / "client"))
        client.sendto(b'{"jsonrpc":"2.0","method":"echo","id":1}', module.socket_name)
        assert client.recv(1000).count(b"\n") > 1
    module.stop()
    assert not os.path.exists(module.socket_name)


def test_the_next_generation_takes_the_socket_over(udp):
    bound = udp.shared.socket
    following = module_for("udp:127.0.0.1:0", udp.shared, reply_indent="  ")
    following.start()
    udp.stop()
    assert following.shared.socket is bound
    assert ask(following, b":below:\n") == "200 OK\nupper:: \n  lower:: 1\n\n"


def test_a_socket_that_a_dead_server_left_is_replaced(tmp_path):
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(tmp_path / "mi"))
    left.close()
    module = module_for(tmp_path / "mi")
    module.start()
    module.stop()
    (tmp_path / "file").write_text("keep")
    with pytest.raises(ConfigError, match="is no socket"):
        module_for(tmp_path / "file").start()


def test_a_port_in_use_is_named(udp):
    port = udp.shared.socket.getsockname()[1]
    with pytest.raises(ConfigError, match=f"udp:127.0.0.1:{port} cannot be bound"):
        module_for(f"udp:127.0.0.1:{port}").start()


@pytest.mark.parametrize("count", [1, 2])
def test_so_many_requests_are_worked_on_at_once(count):
    module = module_for("udp:127.0.0.1:0", children_count=count)
    module.start()
    commands = module.services.mi
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for argument in (b"a", b"b", b"c"):
            client.sendto(b":hold:\n%s\n" % argument, module.shared.socket.getsockname())
        with gevent.Timeout(5):
            while len(commands.held) < count:
                gevent.sleep(0.001)
        gevent.idle()
        assert len(commands.held) == count
        commands.released.set()
        client.settimeout(5)
        assert {client.recv(100) for _ in range(3)} == {b"200 OK\ngiven:: %s\n\n" % each for each in (b"a", b"b", b"c")}
    module.stop()


def test_longer_requests_and_answers_are_cut_off():
    module = module_for("udp:127.0.0.1:0", socket_buf_size=60)
    module.start()
    assert ask(module, b":echo:\n" + b"x" * 20 + b"\n") == "200 OK\ngiven:: " + "x" * 20 + "\n\n"
    assert ask(module, b":echo:\n" + b"x" * 51 + b"\n").startswith("500 the answer does not fit")
    module.stop()


def test_an_answer_that_nobody_takes_is_given_up(tmp_path, caplog):
    module = module_for(tmp_path / "mi", socket_timeout=20)
    module.start()
    path = str(tmp_path / "client")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        client.bind(path)
        filler.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                filler.sendto(b"x", path)
        with gevent.Timeout(1):  # the default would take two seconds
            module.answer(b":echo:\na\n", path)
    assert "nobody takes it" in caplog.text
    module.stop()


@pytest.mark.parametrize("parameter", ["unix_socket_user", "unix_socket_group"])
def test_unknown_owners_are_named(tmp_path, parameter):
    with pytest.raises(ConfigError, match="nobody-at-all"):
        module_for(tmp_path / "mi", **{parameter: "nobody-at-all"})


@pytest.mark.parametrize("name", ["", "udp:127.0.0.1", "udp:8080", "udp:127.0.0.1:x"])
def test_wrong_names_are_refused(name):
    with pytest.raises(ConfigError):
        module_for(name)


def test_the_folder_of_a_unix_socket_is_made_where_only_that_is_missing(tmp_path):
    module = module_for(tmp_path / "run" / "socket")
    module.start()
    assert stat.S_ISSOCK(os.stat(module.socket_name).st_mode)
    module.stop()
    with pytest.raises(ConfigError, match="does not exist"):
        module_for("/no/such/place/socket")
