"""A proxy that follows its calls, and two phones."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opensips_py.testing import Phone

HEAD = """socket=udp:192.0.2.9:5060
socket=udp:192.0.2.9:5070
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so" loadmodule "sipmsgops.so"
loadmodule "dialog.so"
"""
HEAD_21 = """listen=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so" loadmodule "uri.so"
loadmodule "sipmsgops.so" loadmodule "dialog.so"
"""
ROUTE = """route {
    if (has_totag()) { %(follow)s %(matched)s t_relay(); exit; }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    %(before)s
    if (is_method("INVITE")) { record_route(); %(create)s }
    $du = "sip:192.0.2.2:5060";
    %(initial)s
    t_relay();
}
"""
Proxy = Callable[..., Any]


def script(settings: str = "", create: str = "create_dialog();", dialect: str = "4.0", routes: str = "",
           **parts: str) -> str:
    """A proxy's script; *parts* are what its request route does where ROUTE has their names."""
    given = {"follow": "loose_route();", "matched": "", "before": "", "initial": "", "create": create, **parts}
    return (HEAD if dialect == "4.0" else HEAD_21) + settings + "\n" + ROUTE % given + routes


@pytest.fixture
def proxy(opensips: Any) -> Proxy:
    """Starts the proxy; its phones are `alice` and `bob`."""
    def start(*settings: str, **parts: str) -> Any:
        return with_phones(opensips(text=script(*settings, **parts)))
    return start


def with_phones(server: Any) -> Any:
    """*server* with two phones."""
    server.alice, server.bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    return server


def called(server: Any, **more: Any) -> Any:
    """A call that has been answered and acknowledged."""
    call = server.alice.call("bob", **more)
    server.bob.answer()
    server.route = call.final().header("Record-Route")
    call.ack()
    server.invite = server.bob.last("ACK")
    server.take()
    return call


def dialogs(server: Any) -> Any:
    """The table of dialogs of *server*."""
    return server.engine.generation.registry.modules["dialog"].dialogs


def dialog(server: Any) -> Any:
    """The only dialog that there is."""
    found, = dialogs(server)
    return found


def module(server: Any) -> Any:
    """The module as the current generation has it."""
    return server.engine.generation.registry.modules["dialog"]


def restarted(server: Any, away: float = 0.0) -> Any:
    """What a process finds that takes over *away* seconds after the end of the one before; its table."""
    from opensips_py.modules.dialog.table import Dialogs
    found = module(server)
    before = found.dialogs
    before.store.environment.commits.flush()
    for each in before:
        for timer in (each.timer, *(each.pingers or ())):
            if timer is not None:
                timer.stop()
    before.store.watch.stop()
    found.active_dialogs.set(0)
    for store in (before.store, *before.sizes.others):
        store.close()
    server.clock.pass_time(away)
    server.engine.timers.advance(server.clock.monotonic())
    server.take()
    found.dialogs = Dialogs()
    found.start()
    return found.dialogs


def headers(**values: str) -> str:
    """Statements that put *values* into headers X-…."""
    return "".join(f'append_hf("X-{name}: {value}\\r\\n");' for name, value in values.items())
