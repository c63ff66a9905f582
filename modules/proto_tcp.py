"""SIP over TCP: part of the core, switched on by loading this module."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Between, Module, param

Milliseconds = Annotated[int, Between(1, 3_600_000)]


class ProtoTcp(Module, name="proto_tcp", provides=("transport",)):
    """Send and receive SIP messages over TCP; a script has to load it to have `tcp` sockets.

    No write and no connection attempt ever blocks a worker, whatever the parameters say.
    """

    tcp_port: Annotated[int, Between(1, 65535)] = param(
        5060, "Port of sockets, and of destinations, that name none.")
    tcp_send_timeout: Milliseconds = param(
        100, "Milliseconds after which a connection that takes no data is closed; only with tcp_async=0.")
    tcp_max_msg_chunks: Annotated[int, Between(1, 1_000_000)] = param(
        4, "In how many pieces a message may arrive before its connection is closed; what arrives within 20 ms is one.")
    tcp_crlf_pingpong: bool = param(1, "Whether a double CRLF, a keep-alive, is answered with a CRLF.")
    tcp_crlf_drop: bool = param(
        0, "Accepted without effect: a single CRLF between messages is always dropped (RFC 3261, 7.5).")
    tcp_async: bool = param(
        1, "Whether messages wait for a peer that does not read; else its connection closes after tcp_send_timeout.")
    tcp_async_max_postponed_chunks: Annotated[int, Between(1, 1_000_000)] = param(
        32, "How many messages may wait for a peer that does not read before its connection is closed.")
    tcp_async_local_connect_timeout: Milliseconds = param(
        100, "Milliseconds; accepted without effect, as connecting never blocks.")
    tcp_async_local_write_timeout: Milliseconds = param(
        10, "Milliseconds; accepted without effect, as writing never blocks.")

    def start(self) -> None:
        """Hand the parameters to the transports; connections that stand follow them from now on."""
        settings = self.services.transports.settings
        settings.ports["tcp"] = self.tcp_port
        settings.tcp_send_timeout = self.tcp_send_timeout / 1000
        settings.tcp_max_message_chunks = self.tcp_max_msg_chunks
        settings.tcp_crlf_pingpong = bool(self.tcp_crlf_pingpong)
        settings.tcp_async = bool(self.tcp_async)
        settings.tcp_max_postponed = self.tcp_async_max_postponed_chunks
