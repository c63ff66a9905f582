"""Engines and servers for the tests of rtpengine."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opensips_py.testing import Server
from tests.modules.rtpengine.engines import Daemon, fake

__all__ = ["daemon", "fake", "start"]

SCRIPT = """
log_level=3
dialect=@dialect@
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "nathelper.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_retr", 1)
@settings@
route {
@body@
}
@routes@
"""


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers with *body* as the request route, and engines in set 0; they end with the test."""
    with contextlib.ExitStack() as stack:
        def begin(body: str, *engines: Any, settings: str = "", routes: str = "", dialect: str = "4.0") -> Server:
            text = SCRIPT
            if engines:
                urls = " ".join(each if isinstance(each, str) else each.url for each in engines)
                settings += f'\nmodparam("rtpengine", "rtpengine_sock", "{urls}")'
            if "onreply_route[r]" not in routes:
                routes += "\nonreply_route[r] { $var(r) = 1; }"
            for name, value in (("settings", settings), ("body", body), ("routes", routes), ("dialect", dialect)):
                text = text.replace(f"@{name}@", value)
            server = stack.enter_context(Server(text=text))
            server.script = text
            return server
        yield begin


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A real engine."""
    with Daemon(tmp_path_factory.mktemp("rtpengine")) as started:
        yield started
