"""NAT traversal for SIP: detect senders behind NAT, repair what they write, keep the way to them open."""
from __future__ import annotations

import time
from typing import Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import (
    AvpSpec,
    Between,
    ConfigError,
    Flag,
    MIError,
    Module,
    mi,
    param,
    param_setter,
    process_state,
    uses,
)
from opensips_py.modules.nathelper.contacts import Contacts
from opensips_py.modules.nathelper.descriptions import Descriptions
from opensips_py.modules.nathelper.detecting import Detecting
from opensips_py.modules.nathelper.pinging import Pinging, Pings
from opensips_py.modules.nathelper.spoofing import Spoofed
from opensips_py.sip import Uri

ENABLED, DISABLED = 0, 1  # what the shared word says


class NatHelper(Detecting, Contacts, Descriptions, Pinging, Module, name="nathelper"):
    """Help phones behind NAT: tell them by what they send, put the addresses that they really have into their contacts
    and session descriptions, and ping them while they are registered, so that their NAT lets calls through.

    Pings are datagrams of four zero bytes, or SIP requests for contacts with sipping_bflag. Each contact gets one an
    interval; they are spread over it.
    """

    usrloc: Any = uses("usrloc", parameter="natping_interval")
    pings: Pings = process_state(Pings)

    natping_interval: Annotated[int, Between(0, 86400)] = param(
        0, "Seconds between two pings to a contact; 0: no pings.")
    ping_nated_only: bool = param(False, "Whether only contacts with nat_bflag of usrloc are pinged.")
    natping_partitions: Annotated[int, Between(1, 8)] = param(
        1, "Accepted without effect: pings are spread evenly over the interval, whatever is asked for.")
    natping_socket: str = param(
        "", "IPv4 address:port that pings of zero bytes come from; one that is not ours needs CAP_NET_RAW.")
    received_avp: AvpSpec = param(
        None, "Variable that fix_nated_register() puts the URI of the sender's address into.")
    force_socket: str = param("", "Listener that contacts are pinged from whose own is not known.")
    sipping_bflag: Annotated[int, Flag(scope="branch")] = param(
        -1, "Branch flag of contacts that are pinged by a SIP request, not by zero bytes.")
    remove_on_timeout_bflag: Annotated[int, Flag(scope="branch")] = param(
        -1, "Branch flag of contacts that are taken out when they do not answer max_pings_lost SIP pings.")
    sipping_latency_flag: Annotated[int, Flag(scope="branch")] = param(
        -1, "Branch flag of contacts whose time to answer is noted, see E_UL_LATENCY_UPDATE of usrloc.")
    sipping_ignore_rpl_codes: str = param(
        "", "Statuses, with commas between, that do not count as an answer: somebody else gave them.")
    sipping_from: str = param("", "URI in From of SIP pings; without one there are none.")
    sipping_method: str = param("OPTIONS", "Method of SIP pings.")
    nortpproxy_str: str = param(
        "a=nortpproxy:yes", "SDP line that says: another server has changed this already; empty: none is added.")
    natping_tcp: bool = param(False, "Whether contacts over TCP, TLS and WebSocket are pinged, by SIP requests.")
    ping_threshold: Annotated[int, Between(1, 86400)] = param(
        3, "Seconds after which a SIP ping without an answer is lost.")
    max_pings_lost: Annotated[int, Between(1, 1_000_000)] = param(
        3, "How many SIP pings in a row are lost when a contact is taken out.")

    skipped: frozenset[str] = frozenset()
    spoofed: Spoofed | None = None

    @param_setter("oldip_skip")
    def skip_old_addresses(self, letters: str) -> None:
        """What fix_nated_sdp() does not keep: o, the old address of the o= line; c, those of c= lines; oc, either."""
        if set(letters) - set("oc"):
            raise ConfigError(f"oldip_skip is made of o and c, not {letters}", "nathelper", "oldip_skip")
        self.skipped = frozenset(letters)

    def load(self) -> None:
        """Check the parameters."""
        self.clock = time.monotonic
        self.step_seconds = self.natping_interval / self.steps if self.natping_interval else 0
        try:
            self.ignored = frozenset(int(each) for each in self.sipping_ignore_rpl_codes.split(",") if each.strip())
        except ValueError:
            raise ConfigError("sipping_ignore_rpl_codes is a list of numbers with commas between", "nathelper",
                              "sipping_ignore_rpl_codes") from None
        try:
            if self.sipping_from:
                Uri.parse(self.sipping_from)
        except MalformedMessage:
            raise ConfigError(f"sipping_from is a URI, not {self.sipping_from}", "nathelper", "sipping_from") from None
        if self.natping_interval and self.sipping_bflag >= 0 and not self.sipping_from:
            raise ConfigError("SIP pings need a URI to come from", "nathelper", "sipping_from")
        self.spoofed = Spoofed(self.natping_socket) if self.natping_socket else None

    def start(self) -> None:
        """Take over what is shared, and open the raw socket where pings are to come from elsewhere."""
        self.enabled = self.services.shared_words("nathelper pings", 1)
        if self.spoofed is not None:
            try:
                self.spoofed.open()
            except OSError as error:
                self.log.error("natping_socket %s: %s; pings come from the listeners", self.natping_socket,
                               error.strerror)

    def stop(self) -> None:
        """Close the raw socket."""
        if self.spoofed is not None:
            self.spoofed.close()

    @mi("nh_enable_ping", v40="nathelper:enable_ping")
    def enable_ping(self, status: int | None = None) -> dict[str, int] | str:
        """Whether contacts are pinged (1) or not (0); a *status* turns that on or off."""
        if not self.natping_interval:
            raise MIError(400, "the configuration has no natping_interval")
        if status is None:
            return {"Status": int(self.is_enabled)}
        self.enabled.store(0, DISABLED if status == 0 else ENABLED)
        return "OK"
