"""Media through RTPProxy: its control protocol."""
from __future__ import annotations

from typing import Annotated, Any

import gevent

from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import (
    Between,
    ConfigError,
    DbUrl,
    Event,
    MIError,
    Module,
    first,
    mi,
    param,
    param_setter,
    process_state,
    timer,
    uses,
)
from opensips_py.module.media_relays import Relay, Relays, read_set
from opensips_py.module.stored_relays import RelayTable, StoredRelays
from opensips_py.modules.rtpproxy.asking import Proxies
from opensips_py.modules.rtpproxy.engaging import Engaging
from opensips_py.modules.rtpproxy.media import Figures, Prompts, Recordings
from opensips_py.modules.rtpproxy.notifying import Notifications

NOT_FOUND = 404
PROBING = 5  # seconds between two looks at relays that were left alone long enough
USUAL = 1.0  # seconds to wait for an answer


class E_RTPPROXY_STATUS(Event):
    """A relay has stopped answering (inactive), or answers again (active)."""

    socket: str
    status: str


class E_RTPPROXY_DTMF(Event):
    """A relay has seen a DTMF event in a call; *is_callid* is 1 where *id* is its Call-ID; *stream* is 0 where the
    caller has sent it."""

    digit: str
    duration: int
    volume: int
    id: str
    is_callid: int
    stream: int


class RtpProxy(Engaging, Prompts, Recordings, Figures, StoredRelays, Module, name="rtpproxy",
               events=[E_RTPPROXY_STATUS, E_RTPPROXY_DTMF]):
    """Have the media of calls relayed by RTPProxy: functions put its addresses into session descriptions.

    Relays stand in sets. Of a set each takes a share of the calls by its weight, chosen by Call-ID, so that all
    messages of a call find the same one; where one does not answer, the next one is asked.
    """

    tm: Any = uses("tm")
    dialog: Any = uses("dialog", optional=True)
    proxies: Proxies = process_state(Proxies)
    notifications: Notifications = process_state(Notifications)

    rtpproxy_disable_tout: Annotated[int, Between(0, 86400)] = param(
        60, "Seconds for which a relay that has not answered is left alone.")
    rtpproxy_timeout: str = param("", "Seconds to wait for an answer before asking again, as 0.2; 1 if not given.")
    rtpproxy_tout: int = param(-1, "2.1: the same in whole seconds, where rtpproxy_timeout is not given; -1: neither.")
    rtpproxy_retr: Annotated[int, Between(0, 100)] = param(5, "How often a relay is asked before it is given up.")
    rtpproxy_autobridge: bool = param(
        False, "Whether relays are told where a message goes, to choose between their networks by that.")
    default_set: Annotated[int, Between(0, 1 << 31)] = param(0, "The set of relays and functions that name none.")
    nortpproxy_str: str = param(
        "a=nortpproxy:yes", "SDP line that says: a relay has this already; empty: none is added or looked for.")
    db_url: DbUrl = param("", "A database with further relays; empty: none.")
    db_table: str = param("rtpproxy_sockets", "The table of relays.")
    rtpp_socket_col: str = param("rtpproxy_sock", "Column of relays, written as in rtpproxy_sock without the set.")
    set_id_col: str = param("set_id", "Column of the numbers of their sets.")
    rtpp_notify_socket: str = param(
        "", "tcp:address:port, or the path of a Unix socket, where relays tell of DTMF (flag d) and of the end of "
            "media (flag n, which needs module dialog).")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.texts: list[str] = []

    @param_setter("rtpproxy_sock")
    def add_relays(self, text: str) -> None:
        """A set of relays: [number ==] url[|address][=weight] …, a URL being udp:host:port, udp6:, tcp:, tcp6:, or the
        path of a Unix socket; the address is announced in place of the relay's own. May be given many times."""
        if text.strip() in ("", "NONE"):
            return
        read_set(text)
        self.texts.append(text)

    def load(self) -> None:
        """Check the parameters, and find the driver of the table."""
        self.watch_dialogs()
        self.table = RelayTable(self, self.db_url, self.db_table, self.rtpp_socket_col, self.set_id_col, self.late)
        self.seconds = float(self.rtpproxy_tout) if self.rtpproxy_tout > 0 else USUAL
        if self.rtpproxy_timeout:
            try:
                self.seconds = float(self.rtpproxy_timeout)
            except ValueError:
                self.seconds = 0.0
        if not 0 < self.seconds <= 60:
            raise ConfigError("the time to wait is a number of seconds up to 60", "rtpproxy", "rtpproxy_timeout")
        self.sets: dict[int, list[Relay]] = {}
        for text in self.texts:
            number, relays = read_set(text, self.default_set)
            self.sets.setdefault(number, []).extend(relays)
        if not self.sets and not self.db_url:
            raise ConfigError("no relay is named", "rtpproxy", "rtpproxy_sock")

    def verify(self) -> None:
        """Look at the table, which has no version."""
        self.table.verify("rtpproxy_sockets", versioned=False)

    @property
    def channels(self) -> Any:
        """What relays are reached by."""
        return self.proxies.channels

    def start(self) -> None:
        """Open what is needed, and see which relays answer."""
        self.relays = Relays(self.table.beside(self.sets), self.services, "rtpproxy relays",
                             self.rtpproxy_disable_tout, self.changed)
        self.channels.keep({each.url for each in self.relays})
        if self.services.index == 0:
            self.notifications.listen(self.rtpp_notify_socket, self)
            self.services.spawn(self.look, [*self.relays])

    def stop(self) -> None:
        """Close the socket, unless the next generation goes on with it."""
        if self.notifications.owner is self:
            self.notifications.end()

    def changed(self, relay: Relay, works: bool) -> None:
        """A relay has stopped or begun to answer."""
        self.log.warning("%s of set %d %s", relay.url, relay.set_id, "works" if works else "is left alone")
        self.raise_event(E_RTPPROXY_STATUS(relay.url, "active" if works else "inactive"))

    @timer(PROBING, scope="first")
    def probe(self) -> None:
        """Ask relays that were left alone long enough."""
        self.look(self.relays.overdue())

    def look(self, relays: list[Relay]) -> None:
        """Ask relays whether they work, all at once."""
        gevent.joinall([gevent.spawn(self.look_at, each) for each in relays])

    def notified(self, line: str) -> None:
        """Take what a relay tells: T and a call whose media have ended, D and a DTMF event; I is to be ignored."""
        kind, rest = line[:1], line[1:]
        if kind == "T":
            self.media_ended(rest)
        elif kind == "D":
            self.dtmf(rest)
        elif kind != "I":
            self.log.warning("a notification that means nothing: %.200r", line)

    def media_ended(self, call: str) -> None:
        """End a call in which nobody sends media any more."""
        self.log.info("no more media in call %s", call)
        try:
            self.services.mi.call("dlg_end_dlg", [call])
        except MIError as error:
            self.log.warning("call %s cannot be ended: %s", call, error)

    def dtmf(self, text: str) -> None:
        """Tell of a DTMF event: ``cCall-ID digit volume duration stream``, or d and the identifier of a dialog."""
        words = text.split()
        if len(words) < 2 or words[0][:1] not in ("c", "d"):
            self.log.warning("a DTMF event that cannot be read: %.200r", text)
            return
        volume, duration, stream = [int(each) if each.isdecimal() else 0 for each in [*words[2:5], "0", "0", "0"][:3]]
        if self.dialect == "4.0":
            self.raise_event(E_RTPPROXY_DTMF(words[1], duration, volume, words[0][1:], int(words[0][0] == "c"), stream))

    # Management

    @mi("rtpproxy_enable", v40="rtpproxy:enable")
    def enable(self, url: str, enable: int, setid: int | None = None) -> str:
        """Use a relay again (1), never (0), or as soon as it answers (2); in all sets, or in one. In 2.1's form the set
        stands before the state."""
        if setid is not None and self.dialect == "2.1":
            enable, setid = setid, enable
        if not self.relays.set_state(url, enable, setid):
            raise MIError(NOT_FOUND, "no relay has this URL")
        return "OK"

    @mi("rtpproxy_reload", v40="rtpproxy:reload", scope="each", merge=first)
    def reload(self) -> str:
        """Work with the relays of the table, read again, and no others."""
        self.use(self.table.reload())
        return "OK"

    @mi("rtpproxy_show", v40="rtpproxy:show")
    @rendered(lambda sets: [set_node(each) for each in sets])
    def show(self) -> list[dict[str, Any]]:
        """List the relays of all sets; recheck_ticks are the seconds until one that is disabled is tried again."""
        return self.relays.listed()


def set_node(entry: dict[str, Any]) -> Node:
    """A set as 2.1 lists it."""
    return listed("Set", entry["Set"], {}, [
        listed("node", each["url"], {name: value for name, value in each.items() if name != "url"})
        for each in entry["Nodes"]])
