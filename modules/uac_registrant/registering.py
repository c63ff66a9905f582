"""REGISTER requests of ours, and what their answers mean (RFC 3261, 10.2)."""
from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast

from opensips_py.errors import MalformedMessage
from opensips_py.module import Module, Services
from opensips_py.modules.uac_registrant.events import EVENTS
from opensips_py.modules.uac_registrant.records import (
    REGISTERING,
    UNREGISTERING,
    WAITING,
    Record,
    Registrants,
    State,
)
from opensips_py.sip import NameAddr, Response
from opensips_py.sip.uris import uri_of

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect
    from opensips_py.transaction import Branch, Transaction

READY, NOT_READY = 1, -1  # of status reports
GROUP = "uac_registrant"
LEAST_INTERVAL = 5  # seconds: a registrar that wants less in Min-Expires means something else
ALL = "*"
LATER = {State.AUTHENTICATING_STATE: State.REGISTERING_STATE,
         State.AUTHENTICATING_UNREGISTER_STATE: State.UNREGISTERING_STATE}


class Registering:
    """Sends REGISTER requests for records, one at a time for each."""

    services: Services
    log: logging.Logger
    dialect: Dialect
    uac_auth: Any
    registrants: Registrants
    timer_interval: int
    failure_retry_interval: int
    reregister_expiry_percentage: int

    def look_after(self, record: Record) -> None:
        """Register *record* where it is time to."""
        if record.state in WAITING or not record.wanted.enabled or record.is_leaving:
            return
        if record.state is not State.NOT_REGISTERED_STATE and self.services.timers.now < record.due:
            return
        self.register(record)

    def register(self, record: Record) -> None:
        """Send a REGISTER: the next of its kind while it is registered, else the first of another."""
        if record.state is not State.REGISTERED_STATE or not record.call_id:
            record.begin(self.services.transactions.new_call_id())
        self.send(record, State.REGISTERING_STATE)

    def unregister(self, record: Record, contact: str = "") -> None:
        """Send a REGISTER that ends the registration, or with the contact * all of that address-of-record."""
        self.send(record, State.UNREGISTERING_STATE, contact=contact)

    def send(self, record: Record, state: State, credentials: str = "", contact: str = "") -> None:
        """Send a REGISTER beside whoever asks for it: the DNS may make it wait."""
        record.cseq += 1
        record.attempt += 1
        if state in REGISTERING:
            record.sent_at = time.time()
        self.turn(record, state)
        self.services.spawn(self.originate, record, record.attempt, credentials, contact)

    def originate(self, record: Record, attempt: int, credentials: str, contact: str) -> None:
        """Send what send() has decided on."""
        wanted, state = record.wanted, record.state

        def report(transaction: Transaction, branch: Branch | None, response: Response | None, status: int) -> None:
            if branch is not None:
                record.target = branch.target
            if status >= 200 and attempt == record.attempt:
                self.registrants.module.answered(record, response, status, contact)
        expires = record.asked if state in REGISTERING else 0
        # Without an address there is nothing that could have a parameter (RFC 3261, 10.2.2).
        bound = (f"{contact}\r\nExpires: {expires}" if contact else
                 f"<{wanted.contact}>{wanted.parameters};expires={expires}")
        try:
            sent = self.services.transactions.originate(
                "REGISTER", wanted.registrar, from_=f"<{wanted.third_party or wanted.aor}>;tag={record.tag}",
                to=f"<{wanted.aor}>", call_id=record.call_id, cseq=record.cseq,
                headers=f"Contact: {bound}\r\n{credentials}".encode("utf-8", "surrogateescape"),
                next_hop=wanted.proxy or None, socket=self.socket_of(wanted.socket), report=report,
                generation=self.services.generation)
        except (MalformedMessage, ValueError) as error:
            self.log.error("registration of %s: %s", wanted.aor, error)
            sent = None
        if sent is None and attempt == record.attempt:
            self.log.error("registration of %s: nothing can be sent to %s", wanted.aor,
                           wanted.proxy or wanted.registrar)
            self.fail(record, State.INTERNAL_ERROR_STATE)

    def socket_of(self, text: str) -> Any:
        """Our socket of that name; None for an empty one, ValueError where there is none."""
        if not text:
            return None
        for each in self.services.transports.listeners:
            if text.lower() in (each.uri_text.lower(), each.name.lower(), f"{each.protocol}:{each.host}:{each.port}"):
                return each
        raise ValueError(f"there is no socket {text}")

    # Answers

    def answered(self, record: Record, response: Response | None, status: int, contact: str) -> None:
        """The registrar has answered, or it is too late for that."""
        if status < 300 and response is not None:
            self.accepted(record, response)
        elif status in (401, 407) and response is not None:
            self.challenged(record, response, contact)
        elif status == 423 and response is not None:
            self.too_brief(record, response)
        elif status == 408:
            self.fail(record, State.REGISTER_TIMEOUT_STATE)
        else:
            self.log.error("registration of %s: %s answers %d", record.wanted.aor, record.wanted.registrar, status)
            self.fail(record, State.INTERNAL_ERROR_STATE if status < 400 else State.REGISTRAR_ERROR_STATE)

    def accepted(self, record: Record, response: Response) -> None:
        """A REGISTER was successful; what is wanted may be something else by now."""
        if record.state in UNREGISTERING:
            self.turn(record, State.NOT_REGISTERED_STATE)
            record.due = record.due_at = 0.0
            if record.is_leaving:
                self.registrants.forget(record)
            elif record.wanted.enabled:
                self.register(record)
            return
        if not record.wanted.enabled or record.is_leaving:
            self.unregister(record)
            return
        try:
            contacts = response.contacts
        except MalformedMessage:
            contacts = []
        if not contacts:
            self.log.error("registration of %s: the answer has no contact", record.wanted.aor)
            self.fail(record, State.INTERNAL_ERROR_STATE)
        elif record.wanted.single and len(contacts) > 1 and not record.has_cleared:
            record.has_cleared = True  # once: whoever registers beside us would keep us busy for ever
            self.unregister(record, ALL)
        else:
            self.registered(record, response, contacts)

    def registered(self, record: Record, response: Response, contacts: list[NameAddr]) -> None:
        """The registration stands, for as long as the registrar says."""
        record.has_cleared = False
        ours = of_ours(contacts, record.wanted.contact)
        seconds = ours.expires if ours is not None else None
        record.expires = seconds or response.expires or record.asked
        if record.expires <= self.timer_interval:
            self.log.warning("registration of %s: it ends after %d s, and timer_interval is %d", record.wanted.aor,
                             record.expires, self.timer_interval)
        self.turn(record, State.REGISTERED_STATE)
        self.wait(record, record.expires * self.reregister_expiry_percentage // 100)

    def challenged(self, record: Record, response: Response, contact: str) -> None:
        """The registrar asks who we are. Once that was said, it does not help to say it again, unless only the nonce
        was too old."""
        wanted = record.wanted
        chosen = self.uac_auth.choose(response, given=(wanted.username, wanted.password)) if wanted.username else None
        if chosen is None or (record.state in LATER and not chosen.challenge.stale):
            self.log.error("registration of %s: %s", wanted.aor, "the credentials are not accepted" if chosen else
                           "credentials are asked for, and there are none of that kind")
            self.fail(record, State.WRONG_CREDENTIALS_STATE)
            return
        answer = chosen.answer("REGISTER", wanted.registrar)
        self.send(record, State.AUTHENTICATING_STATE if record.state in REGISTERING else
                  State.AUTHENTICATING_UNREGISTER_STATE, f"{chosen.header}: {answer}\r\n", contact)

    def too_brief(self, record: Record, response: Response) -> None:
        """The registrar wants us to ask for more seconds (RFC 3261, 10.2.8)."""
        text = (response.header("Min-Expires") or "").strip()
        seconds = int(text) if text.isascii() and text.isdigit() else 0
        if seconds < LEAST_INTERVAL or seconds <= record.asked or seconds >= 1 << 31 or record.state not in REGISTERING:
            self.fail(record, State.REGISTRAR_ERROR_STATE)
            return
        record.asked = seconds
        self.send(record, State.REGISTERING_STATE)

    def fail(self, record: Record, state: State) -> None:
        """It did not work: try again, but not at once."""
        self.turn(record, state)
        if record.is_leaving:
            self.registrants.forget(record)
        self.wait(record, self.failure_retry_interval or record.expires * self.reregister_expiry_percentage // 100)

    def wait(self, record: Record, seconds: int) -> None:
        """Let the timer that comes last before *seconds* are over do the rest."""
        record.wait(seconds - self.timer_interval, self.services.timers.now)

    def turn(self, record: Record, state: State) -> None:
        """*record* is in *state* from now on, which subscribers and status reports learn."""
        record.state = state
        if self.dialect == "2.1":
            return
        event = EVENTS.get(state)
        if event is not None:
            cast(Module, self).raise_event(event(*record.wanted.key))
        name = "aor={};contact={};registrar={}".format(*record.wanted.key)
        reports = self.services.reports
        reports.set_status(GROUP, name, READY if state is State.REGISTERED_STATE else NOT_READY, state.name)
        reports.report(GROUP, name, f"state changed to {state.name}")


def of_ours(contacts: list[NameAddr], uri: str) -> NameAddr | None:
    """Our contact among those of an answer; the only one, if a registrar has rewritten it."""
    ours = uri_of(uri)
    for each in contacts:
        found = uri_of(each.uri)
        if found is not None and ours is not None and found.equals(ours):
            return each
    return contacts[0] if len(contacts) == 1 else None
