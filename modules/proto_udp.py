"""SIP over UDP: part of the core, switched on by loading this module."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Between, Module, param


class ProtoUdp(Module, name="proto_udp", provides=("transport",)):
    """Send and receive SIP messages as datagrams; a script has to load it to have `udp` sockets."""

    udp_port: Annotated[int, Between(1, 65535)] = param(
        5060, "Port of sockets, and of destinations, that name none.")

    def start(self) -> None:
        """Have destinations without a port go to ours."""
        self.services.transports.settings.ports["udp"] = self.udp_port
