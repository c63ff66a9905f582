"""Test a configuration with pytest: the engine that serves calls, with a clock and a network of the test's.

    from opensips_py.testing import Phone

    def test_a_call_is_relayed(opensips):
        server = opensips("opensips.cfg")
        alice, bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
        bob.register()
        call = alice.call("bob")
        bob.answer()
        call.ack()
        assert bob.last("ACK")
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.testing.messages import request, response, sdp
    from opensips_py.testing.network import Sent
    from opensips_py.testing.phone import Call, Phone
    from opensips_py.testing.server import Server
    from opensips_py.testing.sipp import Scenario, play

__all__ = ["Call", "Phone", "Scenario", "Sent", "Server", "play", "request", "response", "sdp"]
HOMES = {"request": "messages", "response": "messages", "sdp": "messages", "Sent": "network", "Call": "phone",
         "Phone": "phone", "Server": "server", "Scenario": "sipp", "play": "sipp"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: every run of pytest imports this package, few of them need the server."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
