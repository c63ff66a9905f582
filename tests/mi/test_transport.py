from types import SimpleNamespace

import pytest

from opensips_py.errors import MIError
from opensips_py.mi.transport import PER_WORKER, TransportCommands
from opensips_py.sip import address_key
from opensips_py.transport import Listener


class Connections:
    """In place of the transports of one worker, which has one connection."""

    def __init__(self, protocol, key):
        pool = SimpleNamespace(now=lambda: 100.0)
        self.all = [SimpleNamespace(id=7, protocol=protocol, state="open", key=key, lifetime=120, active_at=90.0,
                                    pool=pool, aliases=[address_key("127.0.0.1", 5099)],
                                    listener=Listener(protocol, "127.0.0.1", 5060))]

    def connections(self):
        return list(self.all)

    def close_connection(self, text):
        found = [each for each in self.all if text == str(each.id)]
        self.all = [each for each in self.all if each not in found]
        return bool(found)


@pytest.fixture
def connected(processes):
    keys = {0: ("tcp", address_key("192.0.2.1", 4000)), 1: ("tls", address_key("2001:db8::1", 4001))}
    for index, dispatcher in processes.items():
        module = dispatcher.services.generation.registry.add_class(TransportCommands)
        module.services = dispatcher.services
        if index >= 0:
            dispatcher.services.transports = Connections(*keys[index])
    return processes


def test_connections_of_all_workers_are_listed(connected):
    first, second = connected[-1].call("tcp:list")["Connections"]
    assert first == {"ID": 7, "Type": "tcp", "State": "open", "Source": "192.0.2.1:4000",
                     "Destination": "127.0.0.1:5060", "Lifetime": 110, "Alias port": 5099}
    assert (second["ID"], second["Source"]) == (PER_WORKER + 7, "[2001:db8::1]:4001")
    assert [row["Type"] for row in connected[-1].call("list_tcp_conns", ["tls"])["Connections"]] == ["tls"]


def test_lines_of_21(connected):
    nodes = connected[-1].tree("list_tcp_conns", connected[-1].call("tcp:list", ["tcp"]))
    assert [node.name for node in nodes] == ["Connection"]
    assert nodes[0].attributes["ID"] == 7


def test_an_identifier_names_the_connection_of_one_worker(connected):
    assert connected[-1].call("tcp:close", [str(PER_WORKER + 7)]) is None
    assert [row["ID"] for row in connected[-1].call("tcp:list")["Connections"]] == [7]
    with pytest.raises(MIError, match="no such connection"):
        connected[-1].call("tcp:close", [str(PER_WORKER + 7)])
