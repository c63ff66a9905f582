"""t_relay, t_replicate and t_newtran."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from opensips_py.errors import MalformedMessage
from opensips_py.module import Bits, ReturnCode, Route, Run, script
from opensips_py.module.kinds import Text
from opensips_py.sip import Uri
from opensips_py.transaction import Flags, TransactionLayer

if TYPE_CHECKING:
    import logging
import re


class Relayed(ReturnCode):
    """What became of a request; ANSWERED: it could not be sent, the client has been told, and the script ends."""

    RELAYED, ANSWERED, ERROR, BAD_MESSAGE, NO_DESTINATION = 1, 0, -1, -2, -3
    BAD_DESTINATION, FILTERED, SEND_FAILED = -4, -5, -6


class Opened(ReturnCode):
    """Whether a transaction was opened; RETRANSMISSION: there is one, it has been served, and the script ends."""

    OPENED, RETRANSMISSION, FAILED = 1, 0, -1


WORDS = (("no-auto-477", Flags.NO_ERROR_REPLY), ("no-dns-failover", Flags.NO_FAILOVER),
         ("pass-reason-hdr", Flags.PASS_REASON), ("allow-no-cancel", Flags.ALLOW_NO_CANCEL))


PROXY = re.compile(r"(?:(?:udp|tcp|tls|sctp|wss?):)?(?:\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True)
class Proxy(Text):
    """[protocol:]host[:port]."""

    def constant(self, value: int | str) -> str:
        text = self.convert(value)
        if text and not PROXY.fullmatch(text):
            raise ValueError(f"[protocol:]host[:port] is needed, not \"{text}\": write udp:10.0.0.1:5060")
        return text


@dataclass(frozen=True)
class ProxyOrFlags(Proxy):
    """What t_relay() of 2.1 takes: a number that is a set of flags, or [protocol:]host[:port]."""

    def constant(self, value: int | str) -> str:
        text = super().constant(value)
        if not text:
            raise ValueError("a number of flags or [protocol:]host[:port] is needed, not an empty text")
        if is_number(text):
            int(text, 0)
        return text


def is_number(text: str) -> bool:
    """Whether *text* is meant for a number, and for no address."""
    return text[:1].isdigit() and "." not in text and ":" not in text


RelayFlags = Annotated[int, Bits(words=WORDS)]
RELAYED = {int(code): code for code in Relayed}


class Relaying:
    """Functions that send the request on."""

    layer: TransactionLayer
    log: logging.Logger

    @script(Route.REQUEST | Route.FAILURE, name="t_relay", waits=True, dialect="4.0")
    def relay(self, run: Run, flags: RelayFlags = 0, outbound_proxy: Annotated[str, Proxy()] = "") -> Relayed:
        """Send the request on to its targets, opening its transaction on need; *outbound_proxy*, [proto:]host[:port],
        is where it goes unless it has a destination URI."""
        return RELAYED[self.layer.relay(run, flags, outbound_proxy or None)]

    @script(Route.REQUEST | Route.FAILURE, name="t_relay", waits=True, dialect="2.1")
    def relay_21(self, run: Run, proxy_or_flags: Annotated[str, ProxyOrFlags()] = "", flags: RelayFlags = 0) -> Relayed:
        """Send the request on to its targets: t_relay(), t_relay(flags), t_relay(proxy) or t_relay(proxy, flags)."""
        if is_number(proxy_or_flags):
            return RELAYED[self.layer.relay(run, int(proxy_or_flags, 0))]
        return RELAYED[self.layer.relay(run, flags, proxy_or_flags or None)]

    @script(Route.REQUEST | Route.FAILURE, name="t_replicate", waits=True)
    def replicate(self, run: Run, uri: str, flags: RelayFlags = 0) -> Relayed:
        """Send a copy of the request to *uri*; what comes back is not passed on."""
        try:
            Uri.parse(uri)
        except MalformedMessage:
            self.log.error("t_replicate: %r is no URI", uri)
            return Relayed.BAD_DESTINATION
        request = run.request
        saved, destination = request.uri, request.destination
        request.uri, request.destination = uri, None
        try:
            return RELAYED[self.layer.relay(run, flags & Flags.NO_FAILOVER | Flags.REPLICATE)]
        finally:
            request.uri, request.destination = saved, destination

    @script(Route.REQUEST, name="t_newtran")
    def new_transaction(self, run: Run) -> Opened:
        """Open the transaction of the request, so that retransmissions are absorbed from now on."""
        if run.message.method == "ACK":
            return Opened.FAILED
        if run.transaction is not None:
            return Opened.OPENED if self.layer.adopt(run.transaction) else Opened.FAILED
        return Opened.OPENED if self.layer.new_transaction(run) is not None else Opened.RETRANSMISSION
