"""Asking relays: which one, what, and what to do when it does not answer."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module import Writable
from opensips_py.module.cookies import Channels, NoAnswer
from opensips_py.module.media_relays import FOR_EVER, Homes, Relay, Relays
from opensips_py.modules.rtpproxy import lines

if TYPE_CHECKING:
    import logging

OLDEST = 20040107  # the version of the protocol that a relay must speak
BUSY = range(7, 11)  # numbers of errors that lie with the relay itself
GONE = 50  # of the error that there is no such session


class Refused(Exception):
    """A relay has answered with an error; *number* says with which."""

    def __init__(self, number: int, command: str) -> None:
        super().__init__(f"error {number} in answer to {command!r}")
        self.number = number


class Proxies:
    """What outlives a reload: the sockets, and where calls are."""

    def __init__(self) -> None:
        self.channels = Channels()
        self.homes = Homes()


class Asking:
    """How functions ask."""

    services: Any
    log: logging.Logger
    relays: Relays
    proxies: Proxies
    default_set: int
    rtpproxy_retr: int
    seconds: float

    def ask(self, relay: Relay, command: str) -> str:
        """The answer of a relay. Waits; NoAnswer where it gives none, Refused where that is an error."""
        data = command.encode("utf-8", "surrogateescape")
        if relay.url.startswith(("udp:", "udp6:")):
            answer = self.proxies.channels.to(relay.url).ask(data, self.seconds, self.rtpproxy_retr)
        else:
            answer = lines.ask(relay.url, data, self.seconds, self.rtpproxy_retr)
        text = answer.decode("utf-8", "surrogateescape").strip()
        if text[:1] == "E":
            number = int(text[1:]) if text[1:].isdigit() else 0
            if number in BUSY:
                raise NoAnswer(f"{relay.url}: error {number}")
            raise Refused(number, command)
        return text

    def candidates(self, set_id: int | None, call_id: str) -> list[Relay]:
        """The relays to try for a call, the best first."""
        number = self.default_set if set_id is None else set_id
        return self.proxies.homes.candidates(self.relays, number, call_id)

    def command(self, call_id: str, set_id: int | None, socket: Writable | None, text: str) -> str | None:
        """The answer of the relay that a call is at; None where there is none, or it is an error."""
        for relay in self.candidates(set_id, call_id):
            try:
                answer = self.ask(relay, text)
            except NoAnswer as error:
                self.gone(relay, error)
                continue
            except Refused as error:
                self.relays.works(relay)
                self.log.error("%s: %s", relay.url, error)
                return None
            self.chosen(relay, socket)
            return answer
        self.log.error("no relay is there for call %s: %.100s", call_id, text)
        return None

    def gone(self, relay: Relay, error: NoAnswer) -> None:
        """A relay has not answered."""
        self.log.warning("%s", error)
        self.relays.failed(relay)

    def chosen(self, relay: Relay, socket: Writable | None) -> None:
        """A relay has answered, and the script may want to know which."""
        self.relays.works(relay)
        if socket is not None:
            socket.set(relay.url)

    def look_at(self, relay: Relay) -> None:
        """Ask one relay whether it works, and whether we understand each other."""
        try:
            version = self.ask(relay, "V")
        except (NoAnswer, Refused) as error:
            self.log.info("%s", error)
            version = ""
        if version.isdigit() and int(version) >= OLDEST:
            self.relays.works(relay)
        elif self.relays.state(relay) < FOR_EVER:
            self.relays.failed(relay)
