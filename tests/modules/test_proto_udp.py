"""What proto_udp's parameter changes, seen in where messages go."""
from __future__ import annotations

from types import SimpleNamespace

from opensips_py.sip import Uri
from opensips_py.transport import Resolver
from tests.modules.loaded import loaded
from tests.transport.conftest import World


def test_destinations_without_a_port_get_the_default_one() -> None:
    world = World()
    world.listen("udp")
    module = loaded("proto_udp", udp_port=5099)
    module.services = SimpleNamespace(transports=world.transports)
    module.start()
    assert str(Resolver(world.transports).literal(Uri.parse("sip:127.0.0.1"))) == "udp:127.0.0.1:5099"
    assert str(Resolver(world.transports).literal(Uri.parse("sip:127.0.0.1:5060"))) == "udp:127.0.0.1:5060"
    world.close()
